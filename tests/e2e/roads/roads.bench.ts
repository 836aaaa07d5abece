/**
 * What each road costs: from its dial to the first chat message, the welcome, and from a heartbeat to
 * its answer. The roads are those that the tests prove, each on the hosts that leave no better one.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { median, percentile } from '../bench/figures.ts'
import { Hearth } from '../hearth.ts'
import { Person } from '../person.ts'
import { Region } from './hosts.ts'
import { Phone } from './phone.ts'
import { run } from './places.ts'
import { Town, type TownOptions } from './town.ts'
import { type Truth, truthOf } from './truth.ts'

const OPENINGS = 10
/** Heartbeats come one a second. */
const ROUND_TRIPS = 3

interface Road {
  name: string
  road: Truth['road']
  protocol: string
  budgetMs: number
  town?: TownOptions
  arrange: (town: Town) => void | Promise<void>
}

const roads: Road[] = [
  {
    name: 'LAN dial',
    road: 'lan',
    protocol: 'udp',
    budgetMs: 150,
    arrange: ({ vds }) => vds.die(),
  },
  {
    name: 'signaled, one network',
    road: 'lan',
    protocol: 'udp',
    budgetMs: 150,
    arrange: ({ map }) => {
      // Without a way to the port of the LAN dial.
      const rule = 'chain out { type filter hook output priority 0; udp dport 41234 drop; }'
      map.phone.firewall('no_dial', rule)
    },
  },
  {
    name: 'signaled, two NATs',
    road: 'p2p',
    protocol: 'udp',
    budgetMs: 150,
    arrange: ({ map }) => map.movePhone('away'),
  },
  {
    name: 'relay, UDP',
    road: 'relay',
    protocol: 'udp',
    budgetMs: 300,
    arrange: ({ map }) => {
      map.router('home', 'symmetric')
      map.router('away', 'symmetric')
      map.movePhone('away')
    },
  },
  {
    name: 'relay, TCP',
    road: 'relay',
    protocol: 'tcp',
    budgetMs: 300,
    town: { homePassing: 'no udp' },
    arrange: ({ map }) => {
      map.router('away', 'cone', 'no udp')
      map.movePhone('away')
    },
  },
  {
    name: 'relay, TLS',
    road: 'relay',
    protocol: 'tls',
    budgetMs: 300,
    town: { homePassing: 'only tcp 443', relayTlsPort: 443 },
    arrange: ({ map }) => {
      map.router('away', 'cone', 'only tcp 443')
      map.movePhone('away')
    },
  },
]

interface Figure {
  name: string
  openMs: number
  budgetMs: number
}

test('roads', async () => {
  const figures = [await measureLocal()]
  for (const road of roads) figures.push(await measureInTown(road))
  const said = figures.map(
    ({ name, openMs, budgetMs }) => `${name} ${openMs.toFixed(0)} ms (budget ${String(budgetMs)})`,
  )
  console.log(`roads: ${said.join(', ')}`)
  for (const { openMs, budgetMs } of figures) expect(openMs).toBeLessThanOrEqual(budgetMs)
})

/** On the PC itself. */
async function measureLocal(): Promise<Figure> {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-alone-'))
  const region = Region.open(run())
  const pc = region.host('alone')
  let hearth: Hearth | undefined
  try {
    hearth = await Hearth.start({ port: 8080, on: (words) => pc.command(words) })
    const browser = new Phone(pc, join(folder, 'browser'))
    const person = await Person.arrive(await browser.open(), hearth)
    await person.register('anna')
    const figure = await measure({
      name: 'local',
      road: 'local',
      protocol: 'ws',
      budgetMs: 150,
      open: async () => {
        await person.page.reload()
        await person.connected()
      },
      truth: () => truthOf(person.page, () => false),
    })
    await browser.close()
    return figure
  } finally {
    await hearth?.dispose()
    region.remove()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measureInTown({ town: options, arrange, ...road }: Road): Promise<Figure> {
  const town = await Town.start(options)
  try {
    await town.settle()
    await town.leave()
    await arrange(town)
    return await measure({
      ...road,
      open: async () => {
        await town.leave()
        await town.reopen()
      },
      truth: () => town.truth(),
    })
  } finally {
    await town.dispose()
  }
}

interface Measured extends Omit<Road, 'town' | 'arrange'> {
  /** Opens the app anew, and waits until it is connected. */
  open: () => Promise<void>
  truth: () => Promise<Truth | null>
}

async function measure({ name, road, protocol, budgetMs, open, truth }: Measured): Promise<Figure> {
  const opened: number[] = []
  const roundTrips: number[] = []
  for (let round = 0; round < OPENINGS; round += 1) {
    await open()
    const settled = async () => {
      const seen = await truth()
      return `${String(seen?.road)} ${String(seen?.protocol)}`
    }
    await expect.poll(settled).toBe(`${String(road)} ${protocol}`)
    opened.push((await truth())!.openMs)
    if (round < OPENINGS - 1) continue
    const trips = async () => (await truth())?.roundTripsMs.length ?? 0
    await expect.poll(trips).toBeGreaterThanOrEqual(ROUND_TRIPS)
    roundTrips.push(...(await truth())!.roundTripsMs)
  }
  const [middle, high] = [median(opened), percentile(opened, 95)].map((ms) => ms.toFixed(0))
  console.log(
    `${name.padEnd(22)} open median ${middle} ms, p95 ${high} ms; ` +
      `round trip median ${median(roundTrips).toFixed(1)} ms`,
  )
  return { name, openMs: median(opened), budgetMs }
}
