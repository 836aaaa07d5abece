/** Messages from the PC into what the app knows. Pure: nothing here waits or keeps the time. */
import type {
  Acknowledged,
  ChatError,
  ChatHead,
  ChatHistory,
  Command,
  Delta,
  Draft,
  ErrorCode,
  Event,
  FromChats,
  History,
  Welcome,
} from '../protocol/generated'
import { closeUp, isSaid } from './commands'
import { addPast, applyEvents } from './events'
import { emptyChat } from './fold'
import type { ChatsState, Live, Pending, Settings } from './model'

/** What the engine is told, with the pages unpacked. */
export type Taken =
  | Exclude<FromChats, History | ChatHistory>
  | (Omit<History, 'packed'> & { readonly events: readonly Event[] })
  | (Omit<ChatHistory, 'packed'> & { readonly events: readonly Event[] })

export interface Reduced {
  readonly state: ChatsState
  /** Something is missing: say hello again on a new connection. */
  readonly resync?: boolean
  /** A command was refused that leaves nothing on the screen to say so. */
  readonly refused?: ChatError
  /** What it was, where it is known. */
  readonly command?: Command
  /** Events that were not here before, to be kept. */
  readonly events?: readonly Event[]
}

export function reduce(state: ChatsState, message: Taken): Reduced {
  switch (message.type) {
    case 'welcome':
      return lacks(state, message) ? { state, resync: true } : { state: welcome(state, message) }
    case 'chat_list':
      return { state: list(state, message.chats) }
    case 'events':
      return takeEvents(state, message.events, message.upto)
    case 'history':
      return takeHistory(state, message.events, message.first, message.last)
    case 'chat_history':
      return takePast(state, message.events)
    case 'draft':
      return { state: takeDraft(state, message) }
    case 'delta':
      return takeDelta(state, message)
    case 'acknowledged':
      return { state: settle(acknowledge(state, message)) }
    case 'error':
      return refuse(state, message)
    case 'heartbeat':
    case 'alive':
      return { state }
  }
}

function welcome(state: ChatsState, message: Welcome): ChatsState {
  const { log, head, model } = message
  const settings: Settings = Object.fromEntries(
    message.settings.map(({ name, value }) => [name, value]),
  )
  // Another road may have been welcomed with less than came meanwhile.
  if (state.log === log && message.after <= state.after) {
    const known = { ...state, head: Math.max(head, state.after), model }
    return head < state.after ? known : { ...known, settings }
  }
  const { after, before } = message
  const isListing = head > 0
  return settle({
    log,
    after,
    before,
    head,
    isListing,
    model,
    settings,
    heads: new Map(),
    gone: new Set(),
    ended: new Set(),
    chats: new Map([...state.chats.keys()].map((id) => [id, emptyChat(id)])),
    live: new Map(),
    // What another log had may be missing in this one. A command keeps its id: none is done twice.
    pending: state.log === log ? state.pending : state.pending.map(unacknowledged),
  })
}

/**
 * Whether the PC goes on from what this device has no more: it said so on this road before what was
 * under way on another, or what another tab did, had it begin anew.
 */
function lacks(state: ChatsState, { log, after, before }: Welcome): boolean {
  if (state.log === log && after <= state.after) return before < state.before
  return before <= after
}

function unacknowledged(one: Pending): Pending {
  return one.state === 'acknowledged' ? { ...one, state: 'waiting', seq: 0 } : one
}

function list(state: ChatsState, chats: readonly ChatHead[]): ChatsState {
  if (!state.isListing) return state
  const heads = new Map(state.heads)
  for (const { chat: id, title, folder, changed_ms: changedMs } of chats) {
    heads.set(id, { id, title, folder, changedMs })
  }
  return { ...state, heads }
}

/** What follows the list says that all of it was there. */
function listed(state: ChatsState): ChatsState {
  return state.isListing ? { ...state, isListing: false } : state
}

function takeEvents(state: ChatsState, events: readonly Event[], upto: number): Reduced {
  const applied = applyEvents(state, events, upto)
  if (applied.state.after === state.after) return { state: applied.state }
  return { state: settle(written(listed(applied.state), applied.fresh)), events: applied.fresh }
}

/** What was refused on one road was taken on another. */
function written(state: ChatsState, events: readonly Event[]): ChatsState {
  if (!state.pending.some((one) => one.state === 'refused')) return state
  const there = new Set(events.map((event) => event.type === 'message_written' && event.message))
  const pending = state.pending.filter(
    ({ command, state }) => state !== 'refused' || !('message' in command && there.has(command.message)),
  )
  return { ...state, pending }
}

/** A page of the past, or of what was missed; either touches what is here. */
function takeHistory(
  state: ChatsState,
  events: readonly Event[],
  first: number,
  last: number,
): Reduced {
  if (last < state.before - 1 || first > state.after + 1) return { state, resync: true }
  const newer = takeEvents(state, events, last)
  const past = events.filter(({ seq }) => seq < state.before)
  if (first >= state.before) return newer
  const older = takePast(newer.state, past)
  return {
    state: listed({ ...older.state, before: first }),
    events: [...(newer.events ?? []), ...(older.events ?? [])],
  }
}

function takePast(state: ChatsState, events: readonly Event[]): Reduced {
  const left = events.filter((event) => !('chat' in event && state.gone.has(event.chat)))
  return { state: addPast(state, left), events: left }
}

function takeDraft(state: ChatsState, { chat, answer, index, text }: Draft): ChatsState {
  const live = state.live.get(answer)
  // Another road may be late with it. One that is behind what is shown has nothing to add.
  if (state.gone.has(chat) || state.ended.has(answer) || (live && index < live.next)) return state
  return withLive(state, answer, { chat, text, next: index, continues: null })
}

function takeDelta(state: ChatsState, { answer, index, text }: Delta): Reduced {
  const live = state.live.get(answer)
  // No running answer: its chat was deleted, or it has ended.
  if (!live || index < live.next) return { state }
  if (index > live.next) return { state, resync: true }
  return { state: withLive(state, answer, { ...live, text: live.text + text, next: index + 1 }) }
}

function withLive(state: ChatsState, answer: string, live: Live): ChatsState {
  return { ...state, live: new Map(state.live).set(answer, live) }
}

function acknowledge(state: ChatsState, { id, seq }: Acknowledged): ChatsState {
  if (!state.pending.some(({ command }) => command.id === id)) return state
  const pending = state.pending.map(
    (one): Pending =>
      one.command.id === id ? { ...one, state: 'acknowledged', seq, code: null, excess: null } : one,
  )
  return { ...state, pending }
}

/** Drops the pending commands whose events are here. */
export function settle(state: ChatsState): ChatsState {
  const pending = state.pending.filter(
    (one) => one.state !== 'acknowledged' || one.seq > state.after,
  )
  return pending.length === state.pending.length ? state : { ...state, pending }
}

/** These pass by themselves: what they refuse is sent again. */
export const passing: readonly ErrorCode[] = ['rate_limited', 'not_ready']

function refuse(state: ChatsState, error: ChatError): Reduced {
  const refused = state.pending.find((one) => one.command.id === error.re)
  if (!refused) return error.re ? { state } : { state, refused: error }
  // Of two roads, or two tabs, one may be told so when the other was told that it is done.
  if (refused.state === 'acknowledged' || passing.includes(error.code)) return { state }
  if (isSaid(refused.command)) {
    // What a person wrote is never thrown away: it stays, marked, to be sent again.
    const pending = state.pending.map(
      (one): Pending =>
        one === refused
          ? { ...one, state: 'refused', code: error.code, excess: error.excess ?? null }
          : one,
    )
    return { state: { ...state, pending: closeUp(pending, [refused]) } }
  }
  return {
    state: { ...state, pending: state.pending.filter((one) => one !== refused) },
    refused: error,
    command: refused.command,
  }
}
