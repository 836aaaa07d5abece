import { expect, it } from 'vitest'
import { answer, begun, chat, ended, id, message, seeded, written } from '../../tests/support/messages'
import type { ChatEvent, Event } from '../protocol/generated'
import { emptyChat, withEvents } from './fold'

const [second, third] = [id(20), id(30)]

/** What becomes of each message, as the events say. */
function states(...events: Event[]): string[] {
  const { turns } = withEvents(emptyChat(chat), events as ChatEvent[])
  return turns.map(({ state, reply }) => reply?.state ?? state)
}

it('a message that came while an answer ran is due, also between the two', () => {
  const running = [written(1), begun(2), written(3, 'And?', second)]
  expect(states(...running)).toEqual(['running', 'sent'])
  const between = [...running, ended(4, 'Hi.')]
  expect(states(...between)).toEqual(['stop', 'sent'])
  expect(states(...between, written(5, 'More', third))).toEqual(['stop', 'sent', 'sent'])
  expect(states(...between, begun(5, id(21), second))).toEqual(['stop', 'running'])
})

it('a message that came without its answer, while none was due, gets none', () => {
  expect(states(written(1))).toEqual(['unanswered'])
  const imported = [written(1), written(2, 'And?', second), begun(3, answer, second), ended(4, 'Hi.')]
  expect(states(...imported)).toEqual(['unanswered', 'stop'])
  expect(states(...imported, written(5, 'More', third))).toEqual(['unanswered', 'stop', 'unanswered'])
})

it('an answer can be asked for all the same', () => {
  expect(states(written(1), begun(2))).toEqual(['running'])
  const asked = [written(1), written(2, 'And?', second), begun(3, answer, second)]
  expect(states(...asked)).toEqual(['unanswered', 'running'])
})

it('a message that was passed over was waiting for nothing', () => {
  const both = [written(1), begun(2), written(3, 'Brought here', second), ended(4, 'Hi.')]
  const asked = [...both, written(5, 'Said', third), begun(6, id(31), third)]
  expect(states(...asked)).toEqual(['stop', 'unanswered', 'running'])
})

it('what is brought here while an answer runs takes nothing from what waits', () => {
  const waits = [written(1), begun(2), written(3, 'And?', second)]
  const brought = [written(4, 'Old', third), begun(5, id(31), third), ended(6, 'So.', { answer: id(31) })]
  expect(states(...waits, ...brought)).toEqual(['running', 'sent', 'stop'])
})

it('says the same in whatever pages the events come', () => {
  const events: Event[] = [
    written(1),
    begun(2),
    written(3, 'And?', second),
    ended(4, 'Hi.'),
    begun(5, id(21), second),
    ended(6, 'So.', { answer: id(21) }),
    written(7, 'More', third),
  ]
  const random = seeded(7)
  for (let round = 0; round < 50; round++) {
    let shown = emptyChat(chat)
    const left = [...events]
    while (left.length > 0) {
      const page = left.splice(random() < 0.5 ? 0 : -2, 1 + Math.floor(random() * 3))
      shown = withEvents(shown, page as ChatEvent[])
    }
    expect(shown.turns.map(({ state, reply }) => reply?.state ?? state)).toEqual(['stop', 'stop', 'unanswered'])
    expect(shown.turns[0]?.id).toBe(message)
  }
})
