/** Whatever lies between the phone and the PC, the app finds the best road that there is. */
import { expect, test } from '@playwright/test'
import { keep, rounds, show, spread } from './figures.ts'
import { Town, type TownOptions } from './town.ts'
import type { Truth } from './truth.ts'

const ROUNDS = rounds(1)
const WORDS = 45
const SETTLED_MS = 15_000

interface Case {
  between: string
  road: Truth['road']
  /** @default any */
  protocol?: string
  town?: TownOptions
  /** Once, after the phone was paired at home. */
  arrange?: (town: Town) => void | Promise<void>
  /** Each time before the app is opened, while it is closed. */
  before?: (town: Town, round: number) => void | Promise<void>
}

function away(home: 'cone' | 'symmetric', phone: 'cone' | 'symmetric') {
  return ({ map }: Town): void => {
    map.router('home', home)
    map.router('away', phone)
    map.movePhone('away')
  }
}

const cases: Case[] = [
  { between: 'one network', road: 'lan' },
  {
    between: 'one network, the VDS dead, no default route',
    road: 'lan',
    arrange: async ({ map, vds }) => {
      await vds.die()
      map.dropDefaultRoutes()
    },
  },
  { between: 'two networks, cone NATs', road: 'p2p', arrange: away('cone', 'cone') },
  { between: 'two networks, symmetric NATs', road: 'relay', arrange: away('symmetric', 'symmetric') },
  {
    between: 'two networks without UDP',
    road: 'relay',
    protocol: 'tcp',
    town: { homePassing: 'no udp' },
    arrange: ({ map }) => {
      map.router('away', 'cone', 'no udp')
      map.movePhone('away')
    },
  },
  {
    between: 'two networks with nothing but TCP 443',
    road: 'relay',
    protocol: 'tls',
    town: { homePassing: 'only tcp 443', relayTlsPort: 443 },
    arrange: ({ map }) => {
      map.router('away', 'cone', 'only tcp 443')
      map.movePhone('away')
    },
  },
  {
    between: 'two networks with IPv6 alone',
    road: 'p2p',
    town: { family: 'ipv6' },
    arrange: ({ map }) => {
      map.movePhone('away')
    },
  },
  {
    between: 'one network, the PC in another one too',
    road: 'lan',
    arrange: ({ map }) => {
      map.addSecondAddress()
    },
  },
  {
    between: 'one network, the PC’s address changed',
    road: 'lan',
    before: ({ map, home }, round) =>
      home.afterReturn(() => {
        map.changeAddress(70 + (round % 2))
      }),
  },
  {
    // Nobody tells the app the new address: what it has left is the PC's name.
    between: 'one network, the VDS dead, the PC’s address changed',
    road: 'lan',
    arrange: ({ vds }) => vds.die(),
    before: ({ map, home }, round) =>
      home.afterNaming(() => {
        map.changeAddress(70 + (round % 2))
      }),
  },
]

test.describe('the app connects over', () => {
  test.describe.configure({ timeout: 90_000 + ROUNDS * 60_000 })
  test.afterAll(() => {
    show('matrix')
  })

  for (const { between, road, protocol, town: options, arrange, before } of cases) {
    test(between, async () => {
      const town = await Town.start(options)
      const seen: Truth[] = []
      try {
        await town.settle()
        await arrange?.(town)
        for (let round = 0; round < ROUNDS; round += 1) {
          await town.leave()
          await before?.(town, round)
          seen.push(await town.reopen())
          await expect
            .poll(async () => (await town.truth())?.road, { timeout: SETTLED_MS })
            .toBe(road)
          const truth = await town.truth()
          if (protocol) expect(truth!.protocol).toBe(protocol)
          await town.count(WORDS)
          await town.expectNothingLost(WORDS)
        }
        const first = [...new Set(seen.map((truth) => `${String(truth.road)} ${truth.protocol}`))]
        keep('matrix', between, {
          road: road!,
          'first road': first.join(', '),
          rounds: seen.length,
          ...spread('page to welcome', seen.map(({ welcomedMs }) => welcomedMs)),
          ...spread('dial to welcome', seen.map(({ openMs }) => openMs)),
        })
      } finally {
        await town.dispose()
      }
    })
  }
})
