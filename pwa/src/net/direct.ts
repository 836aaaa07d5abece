import type { Call, DirectDial } from './road'

/** Dials one way, and the other only where the one comes to nothing: the first open channel ends it. */
export function inTurn(first: DirectDial, second: DirectDial): DirectDial {
  return (handlers) => {
    let over = false
    let call: Call | null = null
    const take = (dialed: Call) => {
      if (over) dialed.hangUp()
      else call = dialed
    }
    let isFirstOver = false
    const begun = first({
      onOpen: handlers.onOpen,
      onFailed: () => {
        isFirstOver = true
        if (!over) take(second(handlers))
      },
    })
    if (!isFirstOver) take(begun)
    return {
      road: () => call?.road() ?? Promise.resolve(null),
      hangUp: () => {
        over = true
        call?.hangUp()
      },
    }
  }
}
