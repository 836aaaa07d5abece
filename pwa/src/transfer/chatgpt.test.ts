import { expect, it } from 'vitest'
import { baking, conversation } from '../../tests/support/exports'
import { readChatGpt } from './chatgpt'
import { english } from './words'

const turnsOf = (value: object) => readChatGpt(value, english).turns

it('keeps the tree of what a person said, with every answer', () => {
  const chat = readChatGpt(baking, english)
  expect(chat).toMatchObject({ kind: 'chatgpt', title: 'Bread', atMs: 1700000000250, folder: null })
  expect(chat.turns).toEqual([
    { id: 'other', parent: null, atMs: 1700000040000, text: 'How not?', answers: [] },
    {
      id: 'question',
      parent: null,
      atMs: 1700000010000,
      text: 'How?',
      answers: [
        { id: 'again', atMs: 1700000030000, model: 'gpt-4o', text: 'With yeast.' },
        { id: 'first', atMs: 1700000020000, model: 'gpt-4', text: 'With salt.' },
      ],
    },
    {
      id: 'thanks',
      parent: 'question',
      atMs: 1700000050000,
      text: 'And the weather?',
      answers: [{ id: 'weather', atMs: 1700000060000, model: 'gpt-4', text: 'Sunny.' }],
    },
  ])
})

it('says in the text what is no text', () => {
  const image = { content_type: 'image_asset_pointer', asset_pointer: 'file-service://x' }
  const audio = { content_type: 'audio_asset_pointer' }
  const spoken = { content_type: 'audio_transcription', text: 'Spoken.' }
  const asked = { parent: null, role: 'user' }
  const [see, hear, mute, file] = turnsOf(
    conversation(
      {
        see: { ...asked, at: 1, content: { content_type: 'multimodal_text', parts: [image, 'What is it?'] } },
        drawn: { parent: 'see', role: 'tool', content: { content_type: 'multimodal_text', parts: [image, 'for the model'] } },
        hear: { ...asked, at: 2, content: { content_type: 'multimodal_text', parts: [spoken, audio] } },
        mute: { ...asked, at: 3, content: { content_type: 'multimodal_text', parts: [audio] } },
        file: {
          ...asked,
          at: 4,
          text: 'Read it.',
          metadata: { attachments: [{ name: 'a\nb.pdf', mime_type: 'application/pdf' }, { name: 'c.png', mime_type: 'image/png' }] },
        },
      },
      'file',
    ),
  )
  expect(see).toMatchObject({ text: '[image]\n\nWhat is it?', answers: [{ text: '[image]' }] })
  expect(hear?.text).toBe('Spoken.')
  expect(mute?.text).toBe('[audio]')
  expect(file?.text).toBe('Read it.\n\n[file: a b.pdf]')
})

it('passes over what is hidden, and keeps what follows it', () => {
  const hidden = { is_visually_hidden_from_conversation: true }
  const turns = turnsOf(
    conversation(
      {
        asked: { parent: null, role: 'user', text: 'How?' },
        nudge: { parent: 'asked', role: 'user', text: 'Go on.', metadata: hidden },
        said: { parent: 'nudge', role: 'assistant', text: 'So.' },
      },
      'said',
    ),
  )
  expect(turns).toMatchObject([{ id: 'asked', answers: [{ text: 'So.' }] }])
})

it('leaves out thoughts, and the marks of references', () => {
  const thoughts = { content_type: 'thoughts', thoughts: [{ content: 'Hm.' }] }
  const turns = turnsOf(
    conversation(
      {
        asked: { parent: null, role: 'user', text: 'Who?' },
        thought: { parent: 'asked', role: 'assistant', content: thoughts },
        said: {
          parent: 'thought',
          role: 'assistant',
          text: '\ue200entity\ue202["person","Ada","a pioneer"]\ue201, they say.\ue200cite\ue202turn0search1\ue201',
        },
      },
      'said',
    ),
  )
  expect(turns[0]?.answers.map((answer) => answer.text)).toEqual(['Ada, they say.'])
})
