import type { PortableChat, PortableTurn } from './model'

/** The turns from the first to the newest: what a person sees who opens the chat. */
export function shownPath(chat: PortableChat): PortableTurn[] {
  const byId = new Map(chat.turns.map((turn) => [turn.id, turn]))
  const path: PortableTurn[] = []
  let turn = chat.turns.at(-1)
  while (turn) {
    path.push(turn)
    // Taken out, so that turns that follow each other in a ring end here.
    byId.delete(turn.id)
    turn = turn.parent === null ? undefined : byId.get(turn.parent)
  }
  return path.reverse()
}
