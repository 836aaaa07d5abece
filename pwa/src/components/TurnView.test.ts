import { beforeEach, describe, expect, it } from 'vitest'
import { nextTick } from 'vue'
import { begun, chat, created, ended, id, written } from '../../tests/support/messages'
import { show } from '../../tests/support/mount'
import { button } from '../../tests/support/page'
import { TestServices } from '../../tests/support/services'
import { until } from '../../tests/support/until'
import type { Reply, Turn } from '../chat/model'
import { disconnected } from '../net/connection'
import type { Event } from '../protocol/generated'
import { useChats } from '../stores/chats'
import MessageList from './MessageList.vue'
import TurnView from './TurnView.vue'

const turn: Turn = {
  id: id(2),
  parent: null,
  text: 'Hello?',
  atMs: 0,
  state: 'sent',
  code: null,
  excess: null,
  reply: null,
}
const reply: Reply = {
  id: id(3),
  model: 'test',
  state: 'stop',
  text: 'Hi.\n\nHow\nare you?',
  code: null,
  timings: { prompt_tokens: 9, completion_tokens: 5, first_token_ms: 240, tokens_per_s: 31.25 },
  cut: null,
}

let outside: TestServices

beforeEach(async () => {
  outside = new TestServices()
  const chats = await outside.begin()
  chats.open(chat)
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
    const view = show(TurnView, { chat, turn: { ...turn, reply }, isLast: true })
    expect(articles(view)).toMatchObject([
      { name: 'You', text: 'Hello?' },
      { name: 'Hearth', busy: 'false' },
    ])
    expect(view.findAll('p').map((one) => one.text())).toContain('How\nare you?')
  })

  it('keeps markup as the text that it is', () => {
    const said = '<img src=x onerror=alert(1)>'
    const view = show(TurnView, { chat, turn: { ...turn, text: said, reply: null }, isLast: false })
    expect(view.text()).toContain(said)
    expect(view.find('img').exists()).toBe(false)
  })

  it('is busy before the answer begins, and while it runs', () => {
    const waits = show(TurnView, { chat, turn, isLast: true })
    expect(articles(waits)[1]).toMatchObject({ name: 'Hearth', busy: 'true', text: 'Thinking…' })
    const running: Turn = { ...turn, reply: { ...reply, state: 'running', text: '' } }
    expect(articles(show(TurnView, { chat, turn: running, isLast: true }))[1]?.busy).toBe('true')
  })

  it('waits in silence for a PC that has not taken it, and can be taken back', async () => {
    const made = useChats().send(null, turn.text)
    const view = show(TurnView, { chat: made, turn: useChats().turns(made).at(-1), isLast: true })
    expect(articles(view)).toHaveLength(1)
    expect(view.text()).toContain('Will be sent when your PC can be reached.')
    await button(view, 'Take back').trigger('click')
    expect(view.emitted('takeBack')).toHaveLength(1)
  })

  it('is not offered back while the PC is there to take it', () => {
    outside.connect()
    const view = show(TurnView, { chat, turn: { ...turn, state: 'waiting' }, isLast: true })
    expect(view.text()).not.toContain('Take back')
  })

  it('is not offered back once the PC may have it', async () => {
    outside.connect()
    const made = useChats().send(null, turn.text)
    await outside.said('send_message')
    outside.standing(disconnected)
    const view = show(TurnView, { chat: made, turn: useChats().turns(made).at(-1), isLast: true })
    expect(view.text()).toContain('Will be sent when your PC can be reached.')
    expect(view.text()).not.toContain('Take back')
  })

  it('asks to be left open where this browser keeps nothing', async () => {
    outside.database = () => {
      throw new DOMException('', 'SecurityError')
    }
    await outside.begin('another')
    const view = show(TurnView, { chat, turn: { ...turn, state: 'waiting' }, isLast: true })
    expect(view.text()).toContain('Keep this page open.')
  })

  it('asks to be left open where this device is full', () => {
    useChats().full = true
    const view = show(TurnView, { chat, turn: { ...turn, state: 'waiting' }, isLast: true })
    expect(view.text()).toContain('Keep this page open.')
  })

  it('says that it waits for the answer above, and thinks of nothing before', () => {
    const view = show(TurnView, { chat, turn, isLast: true, isQueued: true })
    expect(view.text()).toContain('After the answer above.')
    expect(articles(view)).toHaveLength(1)
  })

  it('brought here without an answer thinks of nothing, and can be answered', async () => {
    const view = show(TurnView, { chat, turn: { ...turn, state: 'unanswered' }, isLast: true, isNext: true })
    expect(view.text()).toContain('There is no answer.')
    expect(articles(view)).toHaveLength(1)
    await button(view, 'Get an answer').trigger('click')
    expect(view.emitted('regenerate')).toHaveLength(1)
  })

  it('that others follow is answered by nobody any more: it is edited instead', () => {
    const view = show(TurnView, { chat, turn: { ...turn, state: 'unanswered' }, isLast: false })
    expect(view.text()).toContain('There is no answer.')
    expect(view.findAll('button').map((one) => one.attributes('aria-label') ?? one.text())).toEqual(['Edit'])
  })

  it('says why it was refused, and what can be done', async () => {
    const view = show(TurnView, { chat,
      turn: { ...turn, state: 'refused', code: 'storage_failed' },
      isLast: true,
    })
    expect(view.text()).toContain('Not sent. Your PC could not save this.')
    for (const button of view.findAll('button')) await button.trigger('click')
    const events = ['discard', 'takeBack', 'sendAgain']
    expect(events.map((event) => view.emitted(event)?.length)).toEqual([1, 1, 1])
  })

  it('that is too long for the model can be shortened, not sent again as it is', async () => {
    const excess = { tokens: 5210, limit: 3072 }
    const refused: Turn = { ...turn, state: 'refused', code: 'context_full', excess }
    const view = show(TurnView, { chat, turn: refused, isLast: true })
    expect(view.text()).toContain(
      'Not sent. Too long for the model: 5,210 tokens, and it has room for 3,072. Shorten it by about 42%.',
    )
    const buttons = view.findAll('button')
    expect(buttons.map((button) => button.text())).toEqual(['Discard', 'Edit'])
    await buttons[1]!.trigger('click')
    expect(view.emitted('takeBack')).toHaveLength(1)
  })

  for (const [state, sentence] of [
    ['stopped', 'You stopped this answer. Continue goes on from its last word. Regenerate'],
    ['cut', 'Your PC was interrupted in the middle of this answer. Continue'],
    ['length', 'This answer reached its length limit. Continue goes on from its last word.'],
    ['failed', 'This answer failed. The model failed on your PC.'],
  ] as const) {
    it(`says that an answer was ${state}`, () => {
      const over: Reply = { ...reply, state, code: state === 'failed' ? 'model_failed' : null }
      const view = show(TurnView, { chat, turn: { ...turn, reply: over }, isLast: true })
      expect(view.text()).toContain(sentence)
    })
  }

  it('gives no advice where it cannot be taken', () => {
    const cut: Reply = { ...reply, state: 'cut', timings: null }
    const view = show(TurnView, { chat, turn: { ...turn, reply: cut }, isLast: false })
    expect(view.text()).toContain('Your PC was interrupted')
    expect(view.text()).not.toContain('Regenerate')
    expect(view.text()).not.toContain('Continue')
  })

  for (const [state, text, offers] of [
    ['cut', 'Once', true],
    ['stopped', 'Once', true],
    ['length', 'Once', true],
    ['cut', '', false],
    ['stop', 'Once.', false],
    ['failed', 'Once', false],
  ] as const) {
    it(`${offers ? 'offers' : 'does not offer'} to go on with “${text}”, ended by ${state}`, async () => {
      const over: Reply = { ...reply, state, text }
      const view = show(TurnView, { chat, turn: { ...turn, reply: over }, isLast: true })
      const goOn = view.findAll('button').find((one) => one.text() === 'Continue')
      await goOn?.trigger('click')
      expect(view.emitted('goOn')).toEqual(offers ? [[reply.id]] : undefined)
    })
  }

  it('tells its speed, in the reader’s own figures', () => {
    const props = { turn: { ...turn, reply }, isLast: true }
    expect(show(TurnView, props).text()).toContain('31.3 tokens/s · first token 0.24 s')
    expect(show(TurnView, props, 'ru').text()).toContain('31,3 ток./с · первый токен через 0,24 с')
  })

  it('can be regenerated only where it is the last', async () => {
    const names = (isLast: boolean) =>
      show(TurnView, { chat, turn: { ...turn, reply }, isLast })
        .findAll('button')
        .map((button) => button.attributes('aria-label'))
    expect(names(true)).toEqual(['Edit', 'Copy', 'Regenerate'])
    expect(names(false)).toEqual(['Edit', 'Copy'])
  })
})

describe('what a person said', () => {
  const view = (more = {}) => show(TurnView, { chat, turn: { ...turn, reply }, isLast: true, ...more })

  async function edit(shown: ReturnType<typeof show>): Promise<void> {
    await button(shown, 'Edit').trigger('click')
    await until(() => shown.find('textarea').exists())
  }

  it('is edited in its place, and the new words are given with Enter', async () => {
    const shown = view()
    await edit(shown)
    const field = shown.get('textarea')
    expect([field.element.value, field.element === document.activeElement]).toEqual(['Hello?', true])
    await field.setValue(' Good day? ')
    await field.trigger('keydown', { key: 'Enter' })
    expect(shown.emitted('edit')).toEqual([['Good day?']])
    expect(shown.find('textarea').exists()).toBe(false)
    shown.unmount()
  })

  it('stays as it was with Escape, which leads back to the pencil', async () => {
    const shown = view()
    await edit(shown)
    await shown.get('textarea').setValue('Other')
    await shown.get('textarea').trigger('keydown', { key: 'Escape' })
    expect(shown.emitted('edit')).toBeUndefined()
    expect(articles(shown)[0]?.text).toBe('Hello?')
    expect(document.activeElement).toBe(button(shown, 'Edit').element)
    shown.unmount()
  })

  it('is no other branch where nothing was changed, and cannot be emptied', async () => {
    const shown = view()
    await edit(shown)
    await shown.get('form').trigger('submit')
    expect(shown.find('textarea').exists()).toBe(false)
    await edit(shown)
    await shown.get('textarea').setValue('  ')
    await shown.get('form').trigger('submit')
    expect(shown.emitted('edit')).toBeUndefined()
    shown.unmount()
  })

  it('is paged through its versions', async () => {
    const siblings = { index: 1, count: 3, ids: [id(20), id(2), id(21)] }
    const shown = view({ siblings })
    expect(shown.get('[role="group"]').text()).toContain('2 of 3')
    await button(shown, 'Earlier version').trigger('click')
    await button(shown, 'Later version').trigger('click')
    expect(shown.emitted('show')).toEqual([[id(20)], [id(21)]])
    const last = view({ siblings: { ...siblings, index: 2 } })
    expect(button(last, 'Later version').attributes()).toHaveProperty('disabled')
  })

  it('shows no pages where there is one version', () => {
    expect(view({ siblings: { index: 0, count: 1, ids: [id(2)] } }).find('[role="group"]').exists()).toBe(false)
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

it('draws no more of a long chat than is looked at', async () => {
  const view = show(MessageList, { chat })
  const said = Array.from({ length: 60 }, (_, index) => written(2 + index, String(index), id(100 + index)))
  outside.say({ type: 'events', events: [created(1), ...said], upto: 61 })
  await nextTick()
  const all = () => view.findAll('.said').map((one) => one.text())
  expect(all()).toHaveLength(12)
  expect(all().at(-1)).toContain('59')
  const log = view.get('[role="log"]')
  Object.defineProperty(log.element, 'clientHeight', { value: 600 })
  await log.trigger('scroll')
  expect(all()).toHaveLength(36)
})

describe('the line above which the model sees nothing', () => {
  const [m1, m2, m3, m4] = [id(20), id(21), id(22), id(23)]
  const cut = { first: m2, left_out: 1, limit: 3072 }

  async function shown(...events: Event[]) {
    const view = show(MessageList, { chat })
    outside.say({ type: 'events', events, upto: events.length })
    await nextTick()
    return view
  }

  async function goOn(next: typeof cut | null) {
    const events = [
      ended(10, '3', { answer: id(32) }),
      written(11, 'Four', m4),
      begun(12, id(33), m4, chat, next),
    ]
    outside.say({ type: 'events', events, upto: 12 })
    await nextTick()
  }

  function lines(view: ReturnType<typeof show>) {
    return view.findAll('.turn').map((turn) => turn.find('details').exists())
  }

  const before = [
    created(1),
    written(2, 'One', m1),
    begun(3, id(30), m1),
    ended(4, '1', { answer: id(30) }),
    written(5, 'Two', m2),
    begun(6, id(31), m2),
    ended(7, '2', { answer: id(31) }),
    written(8, 'Three', m3),
  ]

  it('is not there while the model sees all', async () => {
    expect(lines(await shown(...before))).toEqual([false, false, false])
  })

  it('is above the first message that the latest answer has seen, as soon as it begins', async () => {
    const view = await shown(...before, begun(9, id(32), m3, chat, cut))
    expect(lines(view)).toEqual([false, true, false])
    const line = view.get('summary')
    expect(line.text()).toBe('The model no longer sees messages above this line')
    expect(view.get('details').text()).toContain('1 earlier message was left out, with its answer.')
    expect(view.get('details').text()).toContain('Nothing was deleted.')
  })

  it('goes with an answer that saw all again', async () => {
    const view = await shown(...before, begun(9, id(32), m3, chat, cut))
    await goOn(null)
    expect(lines(view)).toEqual([false, false, false, false])
  })

  it('moves with the next answer', async () => {
    const view = await shown(...before, begun(9, id(32), m3, chat, cut))
    await goOn({ first: m3, left_out: 2, limit: 3072 })
    expect(lines(view)).toEqual([false, false, true, false])
    expect(view.get('details').text()).toContain('2 earlier messages were left out')
  })

  it('stays where it is while an answer is asked for anew', async () => {
    const view = await shown(...before, begun(9, id(32), m3, chat, cut))
    outside.say({ type: 'events', events: [ended(10, '3', { answer: id(32) })], upto: 10 })
    useChats().regenerate(chat, m3)
    await nextTick()
    expect(lines(view)).toEqual([false, true, false])
  })

  it('says how much is left out in Russian', () => {
    const props = { turn, isLast: true, cut: { ...cut, left_out: 3 } }
    expect(show(TurnView, props, 'ru').get('details').text()).toContain(
      'пропущены 3 прежних сообщения вместе с ответами',
    )
  })
})
