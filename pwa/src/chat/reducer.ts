/** Messages from the PC into what the app knows. Pure: nothing here waits or keeps the time. */
import type { Acknowledged, ChatError, Delta, Draft, FromChats } from '../protocol/generated'
import { applyEvents } from './events'
import type { ChatsState, Live, Pending } from './model'

export interface Reduced {
  readonly state: ChatsState
  /** Something is missing: say hello again on a new connection. */
  readonly resync?: boolean
  /** A command was refused that leaves nothing on the screen to say so. */
  readonly refused?: ChatError
}

export function reduce(state: ChatsState, message: FromChats): Reduced {
  switch (message.type) {
    case 'welcome':
      return { state: { ...state, head: message.head, model: message.model } }
    case 'events':
      return { state: settle(applyEvents(state, message.events, message.upto)) }
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

function takeDraft(state: ChatsState, { answer, index, text }: Draft): ChatsState {
  const live = state.live.get(answer)
  // A draft that is behind what is shown has nothing to add.
  if (!live || index < live.next) return state
  return withLive(state, answer, { text, next: index })
}

function takeDelta(state: ChatsState, { answer, index, text }: Delta): Reduced {
  const live = state.live.get(answer)
  // No running answer: its chat was deleted, or another answer has taken its place.
  if (!live || index < live.next) return { state }
  if (index > live.next) return { state, resync: true }
  return { state: withLive(state, answer, { text: live.text + text, next: index + 1 }) }
}

function withLive(state: ChatsState, answer: string, live: Live): ChatsState {
  return { ...state, live: new Map(state.live).set(answer, live) }
}

function acknowledge(state: ChatsState, { id, seq }: Acknowledged): ChatsState {
  const pending = state.pending.map(
    (one): Pending => (one.command.id === id ? { ...one, state: 'acknowledged', seq } : one),
  )
  return { ...state, pending }
}

/** Drops the pending commands whose events are here. */
function settle(state: ChatsState): ChatsState {
  const pending = state.pending.filter(
    (one) => one.state !== 'acknowledged' || one.seq > state.after,
  )
  return pending.length === state.pending.length ? state : { ...state, pending }
}

function refuse(state: ChatsState, error: ChatError): Reduced {
  const refused = state.pending.find((one) => one.command.id === error.re)
  if (!refused) return { state, refused: error }
  if (refused.command.type === 'send_message') {
    // What a person wrote is never thrown away: it stays, marked, to be sent again.
    const pending = state.pending.map(
      (one): Pending =>
        one === refused
          ? { ...one, state: 'refused', code: error.code, excess: error.excess ?? null }
          : one,
    )
    return { state: { ...state, pending } }
  }
  return {
    state: { ...state, pending: state.pending.filter((one) => one !== refused) },
    refused: error,
  }
}
