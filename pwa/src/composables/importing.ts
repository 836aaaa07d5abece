import { onScopeDispose, type Ref, shallowRef, watch } from 'vue'
import type { ErrorCode, Event } from '../protocol/generated'
import { useChats } from '../stores/chats'
import { useConnection } from '../stores/connection'
import { services } from '../stores/services'
import { importCommands } from '../transfer/commands'
import { ImportError, type ImportErrorCode, type PortableChat } from '../transfer/model'
import { readExport } from '../transfer/read'
import { chatsFromStranded } from '../transfer/stranded'
import { Tally } from '../transfer/tally'
import { type Say, transferWords } from './transferWords'

export type ImportFailure = ImportErrorCode | 'unreadable'

/** What became of the chats of a file. */
export interface Imported {
  /** Messages that were not here before; those that were. */
  readonly fresh: number
  readonly here: number
  /** Chats that were deleted on the PC, which makes none twice: they can come back as new ones. */
  readonly gone: number
  /** Messages that the PC would not take, and why. */
  readonly refused: number
  readonly code: ErrorCode | null
  /** The PC is away, and gets it when it is back. */
  readonly isLater: boolean
}

/** `already`: chats that the person has. */
export type ImportStep =
  | { readonly at: 'reading' }
  | { readonly at: 'found'; readonly chats: number; readonly messages: number; readonly already: number }
  | { readonly at: 'running'; readonly part: number }
  | ({ readonly at: 'done' } & Imported)
  | { readonly at: 'failed'; readonly why: ImportFailure }

/** So many commands may wait for the PC before more are made: each may be 200 kB. */
const waitingMost = 64

/** Chats of a file, or what the PC lost: first what there is, then, if the person wants it, into the log. */
export function useImport(say: Say): {
  step: Ref<ImportStep>
  read: (file: File) => Promise<void>
  readStranded: () => Promise<void>
  run: () => Promise<void>
  runAsNew: () => Promise<void>
} {
  const { makeId } = services()
  const chats = useChats()
  const connection = useConnection()
  const words = transferWords(say)
  const step = shallowRef<ImportStep>({ at: 'reading' })
  let found: readonly PortableChat[] = []
  let gone: readonly PortableChat[] = []
  let isStranded = false
  let tally = new Tally()

  const stopListening = chats.listenToRefused((command, code) => tally.refuse(command, code))
  let isRunning = false
  let isLeft = false
  onScopeDispose(() => {
    isLeft = true
    // What goes on by itself still hears what the PC refuses.
    if (!isRunning) stopListening()
  })

  async function read(file: File): Promise<void> {
    try {
      found = await readExport(file, words)
    } catch (error) {
      step.value = { at: 'failed', why: error instanceof ImportError ? error.code : 'unreadable' }
      return
    }
    const messages = found.reduce((sum, { turns }) => sum + turns.length, 0)
    const already = found.filter(({ id }) => chats.isMade(id)).length
    step.value = { at: 'found', chats: found.length, messages, already }
  }

  async function readStranded(): Promise<void> {
    found = chatsFromStranded(await chats.strandedChats(), makeId)
    isStranded = true
    const many = new Set(found.map(({ id }) => id)).size
    step.value = { at: 'found', chats: many, messages: 0, already: 0 }
  }

  const run = () => bring(found, false)
  /** What was deleted on the PC, under ids that it does not know. */
  const runAsNew = () => bring(gone, true)

  async function bring(list: readonly PortableChat[], asNew: boolean): Promise<void> {
    isRunning = true
    try {
      await bringEach(list, asNew)
    } finally {
      isRunning = false
      if (isLeft) stopListening()
    }
  }

  async function bringEach(list: readonly PortableChat[], asNew: boolean): Promise<void> {
    step.value = { at: 'running', part: 0 }
    tally = new Tally()
    let here = 0
    for (const [index, chat] of list.entries()) {
      const has = !asNew && chats.isMade(chat.id)
      const known = has ? idsIn(await chats.events(chat.id)) : new Set<string>()
      here += chat.turns.filter(({ id }) => known.has(id)).length
      if (!has || !isWhole(chat, known)) {
        const commands = importCommands(chat, makeId, { has, fresh: asNew, words })
        tally.expect(chat, commands, known)
        chats.perform(commands)
      }
      await room(waitingMost)
      step.value = { at: 'running', part: (index + 1) / list.length }
    }
    await room(1)
    gone = tally.gone
    const isLater = chats.pendingCount > 0
    // Until the PC has said that it has them, what is here may be all that there is.
    const isIn = (chat: PortableChat) => !tally.hasFailed(chat)
    if (isStranded && !isLater) await chats.land(list.filter(isIn).map(({ id }) => id))
    const { fresh, refused, code } = tally
    step.value = { at: 'done', fresh, here, gone: gone.length, refused, code, isLater }
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

  return { step, read, readStranded, run, runAsNew }
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
