/** The hosts are what the other tests take them for. */
import { type ChildProcess, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from '@playwright/test'
import { type Host, Region, removeLeftovers } from './hosts.ts'
import { Neighbourhood } from './map.ts'
import { python, ROOT, run } from './places.ts'
import type { NatKind } from './router.ts'

const script = join(import.meta.dirname, 'sockets.py')

test.describe('between a home and a phone that is away', () => {
  let map: Neighbourhood

  test.beforeAll(async () => {
    map = new Neighbourhood(run())
    map.movePhone('away')
    await lines(start(map.vds, 'echo', '443', '3478')).next()
  })
  test.afterAll(() => {
    map.remove()
  })

  test('a cone keeps a socket’s port for everybody, a symmetric NAT does not', () => {
    for (const [nat, ports] of [
      ['cone', 1],
      ['symmetric', 2],
    ] as const) {
      map.router('away', nat)
      const seen = ask(map.phone, 'seen', `${map.addresses.vds}:443`, `${map.addresses.vds}:3478`)
      expect(seen).toHaveLength(2)
      expect(new Set(seen).size).toBe(ports)
      expect(seen[0]).toMatch(/^5\.5\.5\.30:/)
    }
  })

  for (const [home, away, heard] of [
    ['cone', 'cone', 'heard'],
    ['symmetric', 'symmetric', 'nothing'],
    ['cone', 'symmetric', 'nothing'],
  ] as const satisfies readonly [NatKind, NatKind, string][]) {
    test(`a ${home} NAT and a ${away} one: ${heard}`, async () => {
      map.router('home', home)
      map.router('away', away)
      expect(await meet(map)).toEqual([heard, heard])
    })
  }

  test('a network without UDP, and one with nothing but TCP 443', () => {
    const { vds } = map.addresses
    const tried = () => [
      ...ask(map.phone, 'seen', `${vds}:443`).map((seen) => seen !== 'nobody'),
      ...ask(map.phone, 'reach', `${vds}:3478`).map((said) => said === 'reached'),
      ...ask(map.phone, 'reach', `${vds}:443`).map((said) => said === 'reached'),
    ]
    map.router('away', 'cone', 'everything')
    expect(tried()).toEqual([true, true, true])
    map.router('away', 'cone', 'no udp')
    expect(tried()).toEqual([false, true, true])
    map.router('away', 'cone', 'only tcp 443')
    expect(tried()).toEqual([false, false, true])
    map.router('away', 'cone', 'everything')
  })

  test('a silent link stays up and lets nothing by, and hears again', () => {
    const seen = () => ask(map.phone, 'seen', `${map.addresses.vds}:443`)[0]
    map.phone.silence('cell0')
    expect(seen()).toBe('nobody')
    expect(map.phone.run('ip', '-br', 'link', 'show', 'cell0')).toContain('UP')
    map.phone.hear('cell0')
    expect(seen()).toMatch(/^5\.5\.5\.30:/)
  })
})

test('a home’s router keeps its clients from each other, and not from the VDS', async () => {
  const map = new Neighbourhood(run())
  try {
    await Promise.all([map.vds, map.pc].map((host) => lines(start(host, 'echo', '443')).next()))
    const tried = () => [
      ask(map.phone, 'seen', '192.168.1.10:443')[0] !== 'nobody',
      ask(map.phone, 'seen', `${map.addresses.vds}:443`)[0] !== 'nobody',
    ]
    expect(tried()).toEqual([true, true])
    map.isolateClients()
    expect(tried()).toEqual([false, true])
    map.joinClients()
    expect(tried()).toEqual([true, true])
  } finally {
    map.remove()
  }
})

test('with IPv6 alone, each reaches the VDS, and the other once both have asked', async () => {
  const map = new Neighbourhood(run(), 'ipv6')
  try {
    map.movePhone('away')
    await lines(start(map.vds, 'echo', '443')).next()
    for (const host of [map.pc, map.phone]) {
      expect(host.run('ip', '-4', 'addr', 'show', 'scope', 'global')).toBe('')
      expect(ask(host, 'reach', `${map.addresses.vds}:443`)).toEqual(['reached'])
    }
    await lines(start(map.pc, 'echo', '443')).next()
    expect(ask(map.phone, 'reach', '2a0d:5a00:1::10:443')).toEqual(['refused'])
    expect(await meet(map)).toEqual(['heard', 'heard'])
  } finally {
    map.remove()
  }
})

test('hosts are removed with their programs and their names, and those of a dead run too', async () => {
  const ended = execFileSync('sh', ['-c', 'echo $$'], { encoding: 'utf8' }).trim()
  for (const away of [(region: Region) => region.remove(), () => removeLeftovers()]) {
    const region = Region.open(Number(ended))
    const host = region.host('lonely', { somewhere: ['192.0.2.1'] })
    expect(host.run('cat', '/etc/hosts')).toContain('192.0.2.1 somewhere somewhere.')
    const program = start(host, 'echo', '443')
    await lines(program).next()
    const end = new Promise((done) => program.once('close', done))
    away(region)
    await end
    expect(existsSync(`/run/netns/${host.name}`)).toBe(false)
    expect(existsSync(`/etc/netns/${host.name}`)).toBe(false)
  }
})

/** Has the PC and the phone send to each other, at the addresses as which the VDS sees them. */
async function meet({ pc, phone, addresses }: Neighbourhood): Promise<string[]> {
  const ends = [pc, phone].map((host) => start(host, 'punch', `${addresses.vds}:443`))
  const said = ends.map((end) => lines(end))
  const seen = await Promise.all(said.map((one) => one.next()))
  ends.forEach((end, at) => end.stdin!.write(`${seen[1 - at]!}\n`))
  return Promise.all(said.map((one) => one.next()))
}

function start(host: Host, ...words: string[]): ChildProcess {
  return host.start([python, script, ...words], { cwd: ROOT, env: process.env })
}

function ask(host: Host, ...words: string[]): string[] {
  return host.run(python, script, ...words).trim().split('\n')
}

function lines({ stdout }: ChildProcess): { next(): Promise<string> } {
  const reader = createInterface({ input: stdout! })
  const said = reader[Symbol.asyncIterator]()
  const next = async (): Promise<string> => {
    const line = await said.next()
    if (line.done) throw new Error('The program ended.')
    return line.value as string
  }
  return { next }
}
