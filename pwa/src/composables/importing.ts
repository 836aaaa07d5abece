import { type Ref, shallowRef, watch } from 'vue'
import type { Event } from '../protocol/generated'
import { useChats } from '../stores/chats'
import { useConnection } from '../stores/connection'
import { services } from '../stores/services'
import { importCommands } from '../transfer/commands'
import { FILE_BYTES } from '../transfer/limits'
import { ImportError, type ImportErrorCode, type PortableChat } from '../transfer/model'
import { readExport } from '../transfer/read'
import { type Say, transferWords } from './transferWords'

export type ImportFailure = ImportErrorCode | 'unreadable'

/** `already`: chats that the person has. `isLater`: the PC is away, and gets it when it is back. */
export type ImportStep =
  | { readonly at: 'reading' }
  | { readonly at: 'found'; readonly chats: number; readonly messages: number; readonly already: number }
  | { readonly at: 'running'; readonly part: number }
  | { readonly at: 'done'; readonly fresh: number; readonly here: number; readonly isLater: boolean }
  | { readonly at: 'failed'; readonly why: ImportFailure }

/** So many commands may wait for the PC before more are made: each may be 200 kB. */
const waitingMost = 64

/** Chats of a file: first what is in it, and then, if the person wants it, into the log. */
export function useImport(say: Say): {
  step: Ref<ImportStep>
  read: (file: File) => Promise<void>
  run: () => Promise<void>
} {
  const { makeId } = services()
  const chats = useChats()
  const connection = useConnection()
  const words = transferWords(say)
  const step = shallowRef<ImportStep>({ at: 'reading' })
  let found: readonly PortableChat[] = []

  async function read(file: File): Promise<void> {
    try {
      if (file.size > FILE_BYTES) throw new ImportError('too_large')
      found = await readExport(new Uint8Array(await file.arrayBuffer()), words)
    } catch (error) {
      step.value = { at: 'failed', why: error instanceof ImportError ? error.code : 'unreadable' }
      return
    }
    const messages = found.reduce((sum, { turns }) => sum + turns.length, 0)
    const already = found.filter(({ id }) => chats.has(id)).length
    step.value = { at: 'found', chats: found.length, messages, already }
  }

  async function run(): Promise<void> {
    step.value = { at: 'running', part: 0 }
    let fresh = 0
    let here = 0
    for (const [index, chat] of found.entries()) {
      const has = chats.has(chat.id)
      const known = has ? idsIn(await chats.events(chat.id)) : new Set<string>()
      const there = chat.turns.filter(({ id }) => known.has(id)).length
      here += there
      fresh += chat.turns.length - there
      if (!has || !isWhole(chat, known)) {
        chats.perform(importCommands(chat, makeId, { has, words }))
      }
      await room(waitingMost)
      step.value = { at: 'running', part: (index + 1) / found.length }
    }
    await room(1)
    step.value = { at: 'done', fresh, here, isLater: chats.pendingCount > 0 }
  }

  /** Waits until fewer commands wait for the PC, or the PC is away and nobody knows how long. */
  function room(below: number): Promise<void> {
    return new Promise((resolve) => {
      const stop = watch(
        () => !connection.isConnected || chats.pendingCount < below,
        (has) => {
          if (!has) return
          resolve()
          queueMicrotask(() => {
            stop()
          })
        },
        { immediate: true },
      )
    })
  }

  return { step, read, run }
}

function idsIn(events: readonly Event[]): Set<string> {
  const ids = new Set<string>()
  for (const event of events) {
    if (event.type === 'message_written') ids.add(event.message)
    if (event.type === 'answer_ended') ids.add(event.answer)
  }
  return ids
}

function isWhole({ turns }: PortableChat, known: ReadonlySet<string>): boolean {
  return turns.every(({ id, answers }) => known.has(id) && answers.every((one) => known.has(one.id)))
}
