import { expect, it } from 'vitest'
import { openWebui } from '../../tests/support/exports'
import { isOpenWebui, readOpenWebui } from './openWebui'
import { english } from './words'

it('keeps the tree, the answers of several models, and the path that was shown', () => {
  const chat = readOpenWebui(openWebui[0], english)
  expect(chat).toMatchObject({ kind: 'open_webui', title: 'Bread', atMs: 1700000000000 })
  expect(chat.turns).toMatchObject([
    {
      id: 'q1',
      parent: null,
      atMs: 1700000010000,
      text: 'How?',
      answers: [
        { id: 'a2', model: 'qwen3', text: 'With yeast.' },
        { id: 'a1', model: 'llama3', text: 'With salt.' },
      ],
    },
    {
      id: 'q2',
      parent: 'q1',
      text: 'And this?\n\n[image]\n\n[file: rye.pdf]',
      answers: [{ id: 'a3', atMs: 1700000040000, text: 'Rye.' }],
    },
  ])
})

it('reads the plain list of messages that early versions wrote', () => {
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: [{ type: 'text', text: 'How?' }, { type: 'image_url', image_url: {} }] },
    { role: 'assistant', content: 'So.' },
    { role: 'user', content: 'Thanks' },
  ]
  const row = { title: 'Bread', messages }
  expect(isOpenWebui(row)).toBe(true)
  expect(readOpenWebui(row, english).turns).toMatchObject([
    { text: 'How?\n\n[image]', parent: null, answers: [{ text: 'So.' }] },
    { text: 'Thanks', parent: 'message 1', answers: [] },
  ])
})

it('leaves a text as it is that only speaks of details', () => {
  const content = 'Write <details type="reasoning"> yourself.\n'
  const [turn] = readOpenWebui({ messages: [{ role: 'user', content }] }, english).turns
  expect(turn?.text).toBe(content)
})
