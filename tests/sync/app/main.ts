/**
 * Plays the seeds FIRST, FIRST + STEP and so on: `node main.mjs CAME ORDERS FIRST COUNT STEP DEEDS HOW`.
 *
 * HOW is `quiet`, `tale` for all that happens, or `digest` for a number of that: a seed has always
 * the same. CAME and ORDERS are the descriptors of the pipes from and to the PC.
 */
import { createHash } from 'node:crypto'
import { PcProcess } from './pc'
import { play } from './world'

const [first = 0, count = 0, step = 1, deeds = 0] = process.argv.slice(4).map(Number)
const how = process.argv[8]
const pc = new PcProcess(Number(process.argv[2]), Number(process.argv[3]))
const mostFailures = 5
let failures = 0

for (let index = 0; index < count && failures < mostFailures; index++) {
  const seed = first + index * step
  const digest = createHash('sha256')
  try {
    await play(seed, deeds, pc, traceTo(digest))
  } catch (error) {
    failures++
    const { message, stack } = error instanceof Error ? error : new Error(String(error))
    console.log(`seed ${seed}: ${(how === 'tale' && stack) || message}`)
  }
  if (how === 'digest') console.log(seed, digest.digest('hex').slice(0, 16))
}
process.exit(failures)

function traceTo(digest: { update: (line: string) => unknown }): ((line: string) => void) | null {
  if (how === 'tale') return (line) => console.log(line)
  return how === 'digest' ? (line) => void digest.update(line) : null
}
