/** Chance that comes again: the same seed gives the same run. */
export interface Chance {
  /** From 0 to 1. */
  random: () => number
  /** A whole number from 0 to below `limit`. */
  below: (limit: number) => number
}

/** Mulberry32: 32 bits of state are enough for choosing moments. */
export function seeded(seed: number): Chance {
  let state = seed >>> 0
  function random(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return { random, below: (limit) => Math.floor(random() * limit) }
}
