import { describe, expect, it } from 'vitest'
import { begun, chat, created, ended, written } from '../../tests/support/messages'
import type { Event } from '../protocol/generated'
import { isDeleted, strandedIn } from './stranded'

const head = { id: chat, title: 'A chat', folder: 'Work', changedMs: 7 }
const said = [created(1), written(2), begun(3), ended(4, 'Hi.')]
const strandedAfter = (common: number, events: readonly Event[] = said) =>
  strandedIn(head, 'log', common, events)

describe('what a chat has of a log that is no more', () => {
  it('is all of it, where something was said after the two parted', () => {
    expect(strandedAfter(0)).toEqual({ chat, log: 'log', common: 0, events: said })
    expect(strandedAfter(3)).toEqual({ chat, log: 'log', common: 3, events: said })
  })

  it('is nothing, where both have the same, or nothing was said', () => {
    expect(strandedAfter(4)).toBeNull()
    expect(strandedAfter(0, [created(1), begun(3)])).toBeNull()
  })

  it('begins as the list says, where its beginning was not here yet', () => {
    const beginning = { type: 'chat_created', seq: 0, at_ms: 7, chat, title: 'A chat', folder: 'Work' }
    expect(strandedAfter(2, said.slice(1))?.events).toEqual([beginning, ...said.slice(1)])
  })
})

describe('a chat that the PC does not list', () => {
  const deleted = (common: number, events: readonly Event[] = said) =>
    isDeleted(strandedAfter(common, events)!, new Set())

  it('was deleted, where it was there when the two parted', () => {
    expect(deleted(1)).toBe(true)
    expect(isDeleted(strandedAfter(1)!, new Set([chat]))).toBe(false)
  })

  it('may only be lost, where it was begun later, or nobody knows when', () => {
    expect(deleted(0)).toBe(false)
    expect(deleted(3, said.slice(1))).toBe(false)
  })
})
