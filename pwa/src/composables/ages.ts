export type Age = 'today' | 'yesterday' | 'week' | 'older'

export interface AgeGroup<Item> {
  age: Age
  items: Item[]
}

/** Groups what is sorted newest first by how long ago it was, in the days of the calendar. */
export function groupByAge<Item extends { changedMs: number }>(
  items: readonly Item[],
  nowMs: number,
): AgeGroup<Item>[] {
  const groups: AgeGroup<Item>[] = []
  for (const item of items) {
    const age = ageOf(item.changedMs, nowMs)
    const last = groups.at(-1)
    if (last?.age === age) last.items.push(item)
    else groups.push({ age, items: [item] })
  }
  return groups
}

/** How long ago a moment was, in the days of the calendar. */
export function ageOf(thenMs: number, nowMs: number): Age {
  if (thenMs >= midnight(nowMs, 0)) return 'today'
  if (thenMs >= midnight(nowMs, 1)) return 'yesterday'
  return thenMs >= midnight(nowMs, 7) ? 'week' : 'older'
}

/** Local midnight, so many days before a moment; a day of a clock change is not 24 hours long. */
function midnight(ms: number, daysBefore: number): number {
  const day = new Date(ms)
  day.setHours(0, 0, 0, 0)
  return day.setDate(day.getDate() - daysBefore)
}
