/** Somebody leaves the house in the middle of an answer, and comes back before it has ended. */
import { expect, test } from '@playwright/test'
import { keep, rounds, show, spread } from './figures.ts'
import { Town } from './town.ts'
import type { Truth } from './truth.ts'

const ROUNDS = rounds(2)
/** 30 s of an answer. */
const WORDS = 900
const ON_THE_RELAY_MS = 5_000
const BACK_ON_THE_LAN_MS = 15_000

const walks: { walk: string; leave: (town: Town) => void; comeBack: (town: Town) => void }[] = [
  {
    walk: 'out of the house and back',
    leave: ({ map }) => map.movePhone('away'),
    comeBack: ({ map }) => map.movePhone('home'),
  },
  {
    walk: 'to where the router keeps clients from each other, and back',
    leave: ({ map }) => map.isolateClients(),
    comeBack: ({ map }) => map.joinClients(),
  },
]

test.describe('no word is lost or comes twice on the way', () => {
  test.describe.configure({ timeout: 90_000 + ROUNDS * 90_000 })
  test.afterAll(() => {
    show('walk')
  })

  for (const { walk, leave, comeBack } of walks) {
    test(walk, async () => {
      const town = await Town.start()
      const [out, back]: [number[], number[]] = [[], []]
      try {
        town.map.router('home', 'symmetric')
        town.map.router('away', 'symmetric')
        await town.settle()
        for (let round = 0; round < ROUNDS; round += 1) {
          await untilTextComesOver(town, 'lan', BACK_ON_THE_LAN_MS)
          await town.person.ask(`Count to ${String(WORDS)}.`)
          await untilTextComesOver(town, 'lan', BACK_ON_THE_LAN_MS, 30)
          leave(town)
          out.push(await untilTextComesOver(town, 'relay', ON_THE_RELAY_MS, 1))
          comeBack(town)
          back.push(await untilTextComesOver(town, 'lan', BACK_ON_THE_LAN_MS, 1))
          await town.person.answer()
          await town.expectNothingLost(WORDS)
        }
        keep('walk', walk, {
          rounds: out.length,
          ...spread('to the relay', out),
          ...spread('back on the LAN', back),
        })
      } finally {
        await town.dispose()
      }
    })
  }
})

/** Waits until a road is in use and so many words more have come; gives the ms that it took. */
async function untilTextComesOver(
  town: Town,
  road: Truth['road'],
  withinMs: number,
  words = 0,
): Promise<number> {
  const began = performance.now()
  const heard = async () => (await town.heard()).length
  const before = await heard()
  const state = async () => ({ road: (await town.truth())?.road, more: await heard() })
  await expect
    .poll(async () => {
      const now = await state()
      return now.road === road && now.more - before >= words
    }, { message: `on the ${String(road)}, with text`, timeout: withinMs, intervals: [50] })
    .toBe(true)
  return performance.now() - began
}
