import { describe, expect, it } from 'vitest'
import { answer, begun, chat, created, ended, id, message, written } from '../../tests/support/messages'
import type { ChatEvent } from '../protocol/generated'
import { chatsFromStranded } from './stranded'

const events = [created(1, 'Rain'), written(2), begun(3), ended(4, 'Yes.')] as ChatEvent[]
const fresh = id(777)

function answersFrom(common: number) {
  const [found] = chatsFromStranded([{ chat, log: 'log', common, events }], () => fresh)
  return found?.turns.map(({ id: said, answers }) => [said, answers.map((one) => [one.id, one.text])])
}

describe('a chat that only this device has', () => {
  it('comes back as it was, under its own ids', () => {
    const [found] = chatsFromStranded([{ chat, log: 'log', common: 0, events }], () => fresh)
    expect(found).toMatchObject({ id: chat, title: 'Rain', folder: null })
    expect(answersFrom(0)).toEqual([[message, [[answer, 'Yes.']]]])
    expect(answersFrom(2)).toEqual([[message, [[answer, 'Yes.']]]])
  })

  it('brings an answer that ran at the backup as another: there it was cut', () => {
    expect(answersFrom(3)).toEqual([[message, [[fresh, 'Yes.']]]])
  })
})
