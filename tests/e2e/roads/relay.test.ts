/** Chromium speaks with aiortc over a relay and nothing else: over ours, and over Debian's coturn. */
import { type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, type Page, test } from '@playwright/test'
import { Authority } from './authority.ts'
import { Neighbourhood, RELAY_NAME } from './map.ts'
import { Phone } from './phone.ts'
import { environment, python, ROOT, run } from './places.ts'
import { Relay, type RelayKind } from './relays.ts'

const MESSAGES = 200

for (const kind of ['ours', 'coturn'] as const satisfies RelayKind[]) {
  test.describe(`over ${kind}`, () => {
    test.describe.configure({ timeout: 30_000 })
    let map: Neighbourhood
    let folder: string
    let relay: Relay
    let authority: Authority
    let page: Page | undefined

    test.beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'hearth-relay-'))
      map = new Neighbourhood(run())
      map.movePhone('away')
      authority = new Authority(folder)
      relay = await Relay.start(kind, map, join(folder, 'relay'), authority.sign(RELAY_NAME))
      const phone = new Phone(map.phone, join(folder, 'phone'), authority.certificate)
      page = await (await phone.open()).newPage()
    })
    test.afterAll(async () => {
      await page?.context().close()
      map.remove()
      rmSync(folder, { recursive: true, force: true })
    })

    for (const [browser, peer] of [
      ['udp', 'udp'],
      ['tcp', 'tcp'],
      ['tls', 'tls'],
      ['udp', 'tls'],
      ['tls', 'udp'],
    ] as const) {
      test(`${browser} to the browser, ${peer} to aiortc`, async () => {
        const trust = environment({ SSL_CERT_FILE: authority.certificate })
        const words = [python, join(import.meta.dirname, 'relayed_echo.py')]
        const echo = map.pc.start(words, { cwd: ROOT, env: trust })
        const { urls, ...credentials } = relay.server(peer)
        await page!.goto('about:blank')
        const offer = await page!.evaluate(offerOver, relay.server(browser))
        expect(offer).toContain(' typ relay ')
        echo.stdin!.write(`${JSON.stringify({ server: urls, ...credentials, offer })}\n`)
        const answer = JSON.parse(await firstLine(echo)) as string
        expect(answer).toContain(' typ relay ')
        expect(answer).not.toMatch(/ typ (host|srflx)/)
        const given = await page!.evaluate(sendAll, { answer, count: MESSAGES })
        expect(given.received).toEqual(Array.from({ length: MESSAGES }, (_, at) => `message ${at}`))
        expect(given.protocol).toBe(browser)
        echo.stdin!.end()
      })
    }
  })
}

declare global {
  interface Window {
    relayed: { peer: RTCPeerConnection; channel: RTCDataChannel }
  }
}

async function offerOver(server: RTCIceServer): Promise<string> {
  const peer = new RTCPeerConnection({ iceServers: [server], iceTransportPolicy: 'relay' })
  const channel = peer.createDataChannel('echo')
  window.relayed = { peer, channel }
  const gathered = new Promise<void>((done) => {
    peer.addEventListener('icegatheringstatechange', () => {
      if (peer.iceGatheringState === 'complete') done()
    })
  })
  await peer.setLocalDescription()
  await gathered
  return peer.localDescription!.sdp
}

async function sendAll({ answer, count }: { answer: string; count: number }) {
  const { peer, channel } = window.relayed
  const received: string[] = []
  const all = new Promise<void>((done) => {
    channel.addEventListener('message', ({ data }) => {
      received.push(data as string)
      if (received.length === count) done()
    })
  })
  const open = new Promise((done) => channel.addEventListener('open', done))
  await peer.setRemoteDescription({ type: 'answer', sdp: answer })
  await open
  for (let at = 0; at < count; at += 1) channel.send(`message ${String(at)}`)
  await all
  const stats = new Map<string, Record<string, unknown>>()
  ;(await peer.getStats()).forEach((one: { id: string }) => stats.set(one.id, { ...one }))
  const transport = [...stats.values()].find(({ type }) => type === 'transport')
  const pair = stats.get(String(transport?.selectedCandidatePairId))
  const local = stats.get(String(pair?.localCandidateId))
  peer.close()
  return { received, protocol: local?.relayProtocol }
}

async function firstLine({ stdout, stderr }: ChildProcess): Promise<string> {
  const errors: string[] = []
  stderr!.on('data', (text: Buffer) => errors.push(String(text)))
  for await (const line of createInterface({ input: stdout! })) return line
  throw new Error(`aiortc ended:\n${errors.join('')}`)
}
