/** What the tabs of one browser, which share an outbox, tell each other of it. */
import { withdraw } from '../chat/commands'
import { settle } from '../chat/reducer'
import type { ChatsState, Pending } from '../chat/model'

/** `log` is the one that acknowledgements are of. */
export type News = { readonly log: string | null } & (
  | { readonly type: 'added' | 'changed'; readonly pending: readonly Pending[] }
  | { readonly type: 'withdrawn'; readonly ids: readonly string[] }
)

/** They come from this same app, of this version or another: what is not understood is passed over. */
export function isNews(message: unknown): message is News {
  if (typeof message !== 'object' || message === null || !('type' in message)) return false
  if (message.type === 'withdrawn') return 'ids' in message && Array.isArray(message.ids)
  const isKnown = message.type === 'added' || message.type === 'changed'
  return isKnown && 'pending' in message && Array.isArray(message.pending)
}

/** Whoever tells it has written it. */
export function hear(state: ChatsState, news: News): ChatsState {
  if (news.type === 'withdrawn') return withdraw(state, news.ids)
  // What was acknowledged of another log may be missing in this one: it is sent again.
  const isOfLog = (one: Pending) =>
    one.state !== 'acknowledged' || state.log === null || news.log === state.log
  const told = new Map(news.pending.map((one) => [one.command.id, one]))
  const pending = state.pending.map((one) => {
    const other = told.get(one.command.id)
    told.delete(one.command.id)
    return other && one.state !== 'acknowledged' && isOfLog(other) ? other : one
  })
  if (news.type === 'added') pending.push(...told.values())
  return settle({ ...state, pending })
}
