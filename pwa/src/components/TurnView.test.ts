import { beforeEach, describe, expect, it } from 'vitest'
import { nextTick } from 'vue'
import { begun, chat, created, id, written } from '../../tests/support/messages'
import { show } from '../../tests/support/mount'
import { TestServices } from '../../tests/support/services'
import type { Reply, Turn } from '../chat/model'
import { useChats } from '../stores/chats'
import MessageList from './MessageList.vue'
import TurnView from './TurnView.vue'

const turn: Turn = { id: id(2), text: 'Hello?', atMs: 0, state: 'sent', code: null, reply: null }
const reply: Reply = {
  id: id(3),
  model: 'test',
  state: 'stop',
  text: 'Hi.\n\nHow\nare you?',
  code: null,
  timings: { prompt_tokens: 9, completion_tokens: 5, first_token_ms: 240, tokens_per_s: 31.25 },
}

let outside: TestServices

beforeEach(() => {
  outside = new TestServices()
  useChats()
})

function articles(view: ReturnType<typeof show>) {
  return view.findAll('article').map((article) => ({
    name: article.attributes('aria-label'),
    busy: article.attributes('aria-busy'),
    text: article.text(),
  }))
}

describe('a turn', () => {
  it('is an article of the person and one of Hearth', () => {
    const view = show(TurnView, { turn: { ...turn, reply }, isLast: true })
    expect(articles(view)).toMatchObject([
      { name: 'You', text: 'Hello?' },
      { name: 'Hearth', busy: 'false' },
    ])
    expect(view.findAll('p').map((one) => one.text())).toContain('How\nare you?')
  })

  it('keeps markup as the text that it is', () => {
    const said = '<img src=x onerror=alert(1)>'
    const view = show(TurnView, { turn: { ...turn, text: said, reply: null }, isLast: false })
    expect(view.text()).toContain(said)
    expect(view.find('img').exists()).toBe(false)
  })

  it('is busy before the answer begins, and while it runs', () => {
    const waits = show(TurnView, { turn, isLast: true })
    expect(articles(waits)[1]).toMatchObject({ name: 'Hearth', busy: 'true', text: 'Thinking…' })
    const running: Turn = { ...turn, reply: { ...reply, state: 'running', text: '' } }
    expect(articles(show(TurnView, { turn: running, isLast: true }))[1]?.busy).toBe('true')
  })

  it('waits in silence for a PC that has not taken it', () => {
    const view = show(TurnView, { turn: { ...turn, state: 'waiting' }, isLast: true })
    expect(articles(view)).toHaveLength(1)
    expect(view.text()).toContain('Waiting for your PC')
  })

  it('says why it was refused, and what can be done', async () => {
    const view = show(TurnView, {
      turn: { ...turn, state: 'refused', code: 'context_full' },
      isLast: true,
    })
    expect(view.text()).toContain('Not sent. This conversation is longer than the model can hold.')
    for (const button of view.findAll('button')) await button.trigger('click')
    expect([view.emitted('discard')?.length, view.emitted('sendAgain')?.length]).toEqual([1, 1])
  })

  for (const [state, sentence] of [
    ['stopped', 'You stopped this answer. Regenerate'],
    ['cut', 'Your PC was interrupted in the middle of this answer. Regenerate'],
    ['length', 'This answer reached its length limit. Ask Hearth to go on.'],
    ['failed', 'This answer failed. The model failed on your PC.'],
  ] as const) {
    it(`says that an answer was ${state}`, () => {
      const over: Reply = { ...reply, state, code: state === 'failed' ? 'model_failed' : null }
      const view = show(TurnView, { turn: { ...turn, reply: over }, isLast: true })
      expect(view.text()).toContain(sentence)
    })
  }

  it('gives no advice where it cannot be taken', () => {
    const cut: Reply = { ...reply, state: 'cut', timings: null }
    const view = show(TurnView, { turn: { ...turn, reply: cut }, isLast: false })
    expect(view.text()).toContain('Your PC was interrupted')
    expect(view.text()).not.toContain('Regenerate')
  })

  it('tells its speed, in the reader’s own figures', () => {
    const props = { turn: { ...turn, reply }, isLast: true }
    expect(show(TurnView, props).text()).toContain('31.3 tokens/s · first token 0.24 s')
    expect(show(TurnView, props, 'ru').text()).toContain('31,3 ток./с · первый токен через 0,24 с')
  })

  it('can be regenerated only where it is the last', async () => {
    const names = (isLast: boolean) =>
      show(TurnView, { turn: { ...turn, reply }, isLast })
        .findAll('button')
        .map((button) => button.attributes('aria-label'))
    expect(names(true)).toEqual(['Copy', 'Regenerate'])
    expect(names(false)).toEqual(['Copy'])
  })
})

it('shows a running answer as it grows, without drawing another message again', async () => {
  const view = show(MessageList, { chat })
  outside.say({
    type: 'events',
    events: [created(1), written(2), begun(3)],
    upto: 3,
  })
  await nextTick()
  const first = view.findAll('article')[0]!.element
  const shown: string[] = []
  for (const [index, text] of ['Once ', 'upon ', 'a time'].entries()) {
    outside.say({ type: 'delta', chat, answer: id(3), index, text })
    outside.paint()
    await nextTick()
    shown.push(view.findAll('article')[1]!.text())
  }
  expect(shown).toEqual(['Once', 'Once upon', 'Once upon a time'])
  expect(view.findAll('article')[0]!.element).toBe(first)
})
