import { defineStore } from 'pinia'
import { computed, ref, shallowReactive, shallowRef } from 'vue'
import {
  add,
  amend,
  changeSetting,
  continueAnswer,
  edit,
  inChat,
  inOtherWords,
  isFree,
  move,
  pendingOf,
  refusedIn,
  regenerate,
  remove,
  rename,
  say,
  sayAgain,
  type Said,
} from '../chat/commands'
import { nothing, type Pending } from '../chat/model'
import { tidyTitle } from '../chat/title'
import {
  activityOf,
  chatList,
  cutOf,
  foldersOf,
  hasChat,
  isMade,
  knowsMessage,
  lastTaken,
  liveText,
  settingsOf,
  siblings,
  takesMessages,
  turnsOf,
} from '../chat/view'
import {
  type Command,
  type ErrorCode,
  type Event,
  FOLDER_CHARS,
  type SettingName,
  VERSION,
} from '../protocol/generated'
import { insist } from '../net/insist'
import type { Home } from '../sync/browser'
import type { SyncEngine } from '../sync/engine'
import { useConnection } from './connection'
import { useDrafts } from './drafts'
import { useNotices } from './notices'
import { services } from './services'
import { Stopper } from './stopper'

/** Whether whoever asked is told of it there, so that nothing else has to say it. */
type Refused = (command: Command, code: ErrorCode) => boolean
type Touched = (chats: readonly string[], erased: readonly string[]) => void

export const useChats = defineStore('chats', () => {
  const { makeId, now, clock, nextFrame, loadSync } = services()
  const connection = useConnection()
  const drafts = useDrafts()
  const notices = useNotices()

  /** Has the truth; the refs below show it, running answers at most once a frame. */
  let engine: SyncEngine | null = null
  let homeId: string | null = null
  let lastOpened: string | null = null
  let opened: Promise<void> = Promise.resolve()
  let framed = false
  /** Grows with every home that is shown, and with the end of it. */
  let era = 0
  /** What was asked while the engine was on its way. */
  let early = nothing
  /** The PC said something while it was. */
  let isLate = false
  let onTouched: Touched | null = null
  const onRefused = new Set<Refused>()
  /** By chat, the message that the way shown goes through. */
  const chosen = shallowReactive(new Map<string, string>())

  const state = shallowRef(nothing)
  const heads = shallowRef(nothing.heads)
  const chats = shallowRef(nothing.chats)
  const pending = shallowRef(nothing.pending)
  const settings = shallowRef(nothing.settings)
  const live = shallowRef(nothing.live)
  const model = shallowRef('')
  const kept = ref(false)
  const full = ref(false)
  const stranded = ref(0)
  /** What is read and fetched is not in the state. */
  const changes = ref(0)

  const stopper = new Stopper({
    makeId,
    pending: () => pending.value,
    turns: () => [...chats.value.keys()].flatMap((chat) => turns(chat)),
    perform,
    withdraw: (ids) => engine?.withdraw(ids),
  })

  function publish(): void {
    framed = false
    const next = engine?.state ?? early
    state.value = next
    heads.value = next.heads
    chats.value = next.chats
    pending.value = next.pending
    settings.value = next.settings
    live.value = next.live
    model.value = next.model
    kept.value = engine?.kept ?? false
    full.value = engine?.full ?? false
    stranded.value = engine?.strandedChats ?? 0
    changes.value++
  }

  function publishSoon(): void {
    if (framed) return
    framed = true
    nextFrame(() => {
      if (framed) publish()
    })
  }

  connection.listen({
    hello: () => engine?.hello() ?? { type: 'hello', version: VERSION },
    onMessage(message) {
      if (engine) engine.take(message)
      else isLate = true
    },
    onWelcomed: () => engine?.welcomed(),
  })

  /** Shows what this device has of a home; done when it was read. */
  function begin(home: Home): Promise<void> {
    end()
    homeId = home.id
    return (opened = load(home, era))
  }

  async function load(home: Home, mine: number): Promise<void> {
    const sync = await insist(loadSync, clock)
    if (mine !== era) return
    const made = (engine = sync.engine(home, {
      now,
      later: (ms, action) => void clock.after(ms, action),
      isConnected: () => connection.isConnected,
      send: (message) => connection.send(message),
      resync: () => connection.resync(),
      onChange(what) {
        if (mine !== era) return
        if (what === 'live') return publishSoon()
        publish()
        stopper.look()
      },
      onRefused: ({ code }, command) => {
        if (command && [...onRefused].some((told) => told(command, code))) return
        const isFull = code === 'context_full' && command?.type === 'continue_answer'
        if (code !== 'answer_unknown') notices.show(isFull ? 'answer_full' : code)
      },
      onTouched(touched, erased) {
        if (erased.length > 0) drafts.forgetChats(erased)
        onTouched?.(touched, erased)
      },
    }))
    if (lastOpened !== null) made.openChat(lastOpened)
    const reading = made.open()
    const asked = early.pending.map(({ command }) => command)
    early = nothing
    made.perform(asked)
    // What the PC says first, it says once on a connection.
    if (isLate) connection.resync()
    isLate = false
    await reading
  }

  function end(): void {
    era++
    engine?.close()
    engine = null
    homeId = null
    opened = Promise.resolve()
    early = nothing
    isLate = false
    stopper.clear()
    chosen.clear()
    publish()
  }

  /** Leaves nothing of this home's chats, nor of the outbox, in this browser. */
  async function forget(): Promise<void> {
    const [over, home] = [engine, homeId]
    end()
    await over?.destroy()
    if (home !== null) await (await insist(loadSync, clock)).drop(home)
  }

  function perform(commands: readonly Command[]): void {
    if (engine) return engine.perform(commands)
    early = add(early, commands, now(), true)
    publish()
  }

  /** Does it, or changes what is in the outbox where nobody was told of that yet. */
  function ask(command: Command): void {
    if (!engine) return perform([command])
    const { replace, withdraw, perform: rest } = amend(engine.state, command)
    for (const one of replace) engine.replace(one)
    if (withdraw.length > 0) engine.withdraw(withdraw)
    if (rest.length > 0) engine.perform(rest)
  }

  /** Says something in a chat, or in a new one, as where the old one is gone; gives the chat's id. */
  function send(chat: string | null, text: string): string {
    // The PC begins no chat twice.
    const isNew = chat === null || !isThere(chat)
    const id = isNew ? makeId() : chat
    open(id)
    perform(say(makeId, id, text, isNew, branchOf(id)))
    return id
  }

  const isThere = (chat: string) => takesMessages(engine?.state ?? early, chat)

  /** What the next message follows; null for the newest, where no branch was chosen. */
  function branchOf(chat: string): string | null {
    return chosen.has(chat) ? (lastTaken(turns(chat))?.id ?? null) : null
  }

  /** Sends what was refused again; gives the chat, a new one where the old one is gone. */
  function sendAgain(message: string): string | null {
    const found = find(message)
    return found?.one.state === 'refused' ? performAgain(found.said) : null
  }

  function performAgain(refused: Said): string {
    const { id, chat, text } = refused
    engine?.withdraw([id])
    if (!isThere(chat)) return elsewhere(chat, text)
    const isKnown = (one: string) => misses(chat) || knowsMessage(confirmed(), chat, one)
    perform([sayAgain(makeId, refused, isKnown, branchOf(chat))])
    return chat
  }

  /** What else was refused in a chat that is gone goes along with what is said in a new one. */
  function elsewhere(chat: string, text: string): string {
    const id = send(null, text)
    for (const said of refusedIn(engine?.state.pending ?? [], chat)) engine?.replace(inChat(said, id))
    return id
  }

  /** Says it in other words; what the PC does not have yet is changed where it is. */
  function editMessage(chat: string, message: string, text: string): void {
    const found = find(message)
    if (found && isFree(found.one)) return engine?.replace(inOtherWords(found.said, text))
    if (found?.one.state === 'refused') return void performAgain(inOtherWords(found.said, text))
    const command = edit(makeId, chat, message, text)
    chosen.set(chat, command.message)
    perform([command])
  }

  function find(message: string) {
    return pendingOf(engine?.state.pending ?? [], message)
  }

  function renameChat(chat: string, title: string): void {
    const tidy = tidyTitle(title)
    if (tidy) ask(rename(makeId, chat, tidy))
  }

  function moveChat(chat: string, folder: string | null): void {
    const tidy = folder === null ? '' : tidyTitle(folder)
    ask(move(makeId, chat, [...tidy].slice(0, FOLDER_CHARS).join('').trim() || null))
  }

  function removeChat(chat: string): void {
    ask(remove(makeId, chat))
    // Of one that the PC never had, no event says that it is gone.
    const { heads, pending } = engine?.state ?? early
    const isLeft = pending.some(({ command }) => 'chat' in command && command.chat === chat)
    if (!heads.has(chat) && !isLeft) drafts.forgetChats([chat])
  }

  /**
   * Stops the answer that runs in a chat, or the one that is about to. What the PC does not have yet
   * is taken back instead: gives its text.
   */
  function stop(chat: string): string | null {
    const shown = turns(chat)
    // Others may wait for their turn behind the one that is answered.
    const turn = shown.find(({ reply }) => reply?.state === 'running') ?? lastTaken(shown)
    if (!turn) return null
    const taken = takeBack(turn.id, 'waiting')
    if (taken !== null) return taken
    stopper.stop(turn)
    return null
  }

  /** Takes back a message that is not on the PC; gives its text. */
  function takeBack(message: string, how: 'waiting' | 'refused'): string | null {
    const found = find(message)
    if (!found || (how === 'waiting' ? !isFree(found.one) : found.one.state !== how)) return null
    engine?.withdraw([found.said.id])
    return found.said.text
  }

  /** Has the turns of a chat from now on; of those that were opened before, the last few stay. */
  function open(chat: string): void {
    lastOpened = chat
    engine?.openChat(chat)
  }

  const misses = (chat: string) => changes.value >= 0 && (engine?.misses(chat) ?? false)
  const confirmed = () => ({ heads: heads.value, chats: chats.value, pending: pending.value })
  const turns = (chat: string) => turnsOf(confirmed(), chat, chosen.get(chat) ?? null)
  const isStillHere = (message: string) => {
    const found = pendingOf(pending.value, message)
    return found !== null && isFree(found.one)
  }
  const list = computed(() => chatList({ heads: heads.value, pending: pending.value }))
  const waiting = computed(() => pending.value.filter((one) => one.state === 'waiting').length)

  return {
    list,
    folders: computed(() => foldersOf(list.value)),
    model,
    settings: computed(() => settingsOf({ settings: settings.value, pending: pending.value })),
    /** The log that all this is of; null where there is nothing yet. */
    log: computed(() => state.value.log),
    /** Whether all that the PC had at its last welcome is here. */
    isComplete: computed(() => {
      const { log, isListing, before, after, head } = state.value
      return log !== null && !isListing && before <= 1 && head !== null && after >= head
    }),
    /** How much of the PC's log is here, from 0 to 1. */
    progress: computed(() => {
      const { log, before, after, head } = state.value
      if (log === null || head === null) return 0
      return head === 0 ? 1 : Math.max(0, Math.min(1, (after - before + 1) / head))
    }),
    /** Whether what is here outlives the page. */
    kept,
    /** This device's storage is full: what came since goes with the page. */
    full,
    /** Of how many chats there is something here that the PC lost to an older backup. */
    stranded,
    strandedChats: () => engine?.stranded() ?? Promise.resolve([]),
    land: (chats: readonly string[]) => engine?.land(chats) ?? Promise.resolve(),
    /** How much is not on the PC, and would be lost with this browser. */
    unsent: computed(() => pending.value.filter(isUnsent).length),
    /** How much is on its way to the PC. */
    pendingCount: waiting,
    has: (chat: string) => hasChat(confirmed(), chat),
    isMade: (chat: string) => isMade(confirmed(), chat),
    turns,
    siblings: (chat: string, message: string) => siblings(confirmed(), chat, message),
    /** Shows the way that goes through a message, down to the newest that follows it. */
    show: (chat: string, message: string) => void chosen.set(chat, message),
    cut: (chat: string) =>
      cutOf(turnsOf({ chats: chats.value, pending: [] }, chat, chosen.get(chat) ?? null)),
    activity: (chat: string) => activityOf(turns(chat)),
    liveText: (answer: string) => liveText({ chats: chats.value, live: live.value }, answer),
    /** Whether turns of a chat are still being read or fetched. */
    opening: (chat: string) => changes.value >= 0 && (engine?.isOpening(chat) ?? false),
    /** Whether there may be more of a chat than is here. */
    misses,
    begin,
    opened: () => opened,
    open,
    send,
    sendAgain,
    edit: editMessage,
    takeBack,
    /** Whether nobody was told of a message yet, so that it can be taken back. */
    isStillHere,
    regenerate: (chat: string, message: string) => perform([regenerate(makeId, chat, message)]),
    continueAnswer: (chat: string, answer: string) => perform([continueAnswer(makeId, chat, answer)]),
    rename: renameChat,
    move: moveChat,
    remove: removeChat,
    stop,
    changeSetting: (name: SettingName, value: string | null) => ask(changeSetting(makeId, name, value)),
    perform,
    /** Of one chat, as far as they are here, for an export. */
    events: (chat: string): Promise<Event[]> => engine?.events(chat) ?? Promise.resolve([]),
    /** The ids of all chats that the PC has, for an export. */
    allChats: () => [...heads.value.keys()],
    listenToTouched: (to: Touched | null) => (onTouched = to),
    /** Gives what ends it. */
    listenToRefused(to: Refused): () => void {
      onRefused.add(to)
      return () => void onRefused.delete(to)
    },
    /** Another person, or nobody: nothing of this one is shown. What is on disk stays. */
    reset: end,
    forget,
  }
})

/** A chat that nothing was said in is nothing to lose. */
function isUnsent({ state, command }: Pending): boolean {
  return state !== 'acknowledged' && command.type !== 'create_chat'
}
