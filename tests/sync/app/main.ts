/** Plays the seeds from FIRST on: `node main.mjs CAME ORDERS FIRST COUNT STEP TRACE`. */
import { PcProcess } from './pc'
import { World } from './world'

const [came = 0, orders = 0, first = 0, count = 1, step = 1, trace = 0] = process.argv.slice(2).map(Number)
const pc = new PcProcess(came, orders)
const counts = new Map<string, number>()
const tally = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1)
let failed = 0

for (let seed = first; seed < first + count * step; seed += step) {
  const world = new World(seed, pc, trace ? (line) => console.log(line) : () => undefined, tally)
  try {
    await world.play()
  } catch (error) {
    failed++
    console.log(`seed ${seed}: ${error instanceof Error ? (trace ? error.stack : error.message) : String(error)}`)
    if (failed >= 5) break
  }
}
if (process.env.SYNC_COUNTS) {
  for (const [what, times] of [...counts].sort()) console.log(`${times / count} ${what}`)
}
process.exit(failed ? 1 : 0)
