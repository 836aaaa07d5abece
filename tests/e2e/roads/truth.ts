/** What the browser itself says of the connection in use, whatever the app thinks of it. */
import type { BrowserContext, Page } from '@playwright/test'

/** The connection over which the last welcome came, that is still open. */
export interface Truth {
  /** Which it is; null where the browser's statistics do not tell. */
  road: 'local' | 'lan' | 'p2p' | 'relay' | null
  /** How the two ends speak: `udp`, or to a relay `udp`, `tcp` or `tls`; `ws` on the PC itself. */
  protocol: string
  /** The kinds of candidates, ours and the PC's, and the address of the latter as far as it is told. */
  local: string
  remote: string
  address: string
  /** When its welcome came, in ms since the page was opened. */
  welcomedMs: number
  /** From its making to that welcome, in ms. */
  openMs: number
  /** Of each heartbeat that was answered, in ms. */
  roundTripsMs: number[]
}

interface Line {
  peer: RTCPeerConnection | null
  isOpen: () => boolean
  madeMs: number
  welcomedMs: number
  beatsMs: Map<string, number>
  roundTripsMs: number[]
}

declare global {
  interface Window {
    roadLines: Line[]
  }
}

/** Has every page that is opened from now on keep its connections for `truthOf`. */
export async function keepLines(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const lines: Line[] = (window.roadLines = [])
    const begin = (peer: RTCPeerConnection | null, isOpen: () => boolean): Line => {
      const times = { madeMs: performance.now(), welcomedMs: 0 }
      const line = { ...times, peer, isOpen, beatsMs: new Map<string, number>(), roundTripsMs: [] }
      lines.push(line)
      return line
    }
    // A short message is one frame: a byte of flags, then JSON.
    const textOf = (data: unknown): string => {
      const isBytes = data instanceof ArrayBuffer || ArrayBuffer.isView(data)
      return isBytes ? new TextDecoder().decode(data).slice(1) : ''
    }
    const sentAt = /"sent_ms":(\d+)/
    const note = (line: Line, data: unknown): void => {
      const text = textOf(data)
      if (text.includes('"type":"welcome"')) line.welcomedMs = performance.now()
      const sent = text.includes('"type":"alive"') && line.beatsMs.get(sentAt.exec(text)?.[1] ?? '')
      if (sent) line.roundTripsMs.push(performance.now() - sent)
    }
    /** Notes what is sent, too. */
    const watch = (line: Line, channel: RTCDataChannel | WebSocket): void => {
      channel.addEventListener('message', (event) => note(line, (event as MessageEvent).data))
      const send = channel.send.bind(channel) as (data: unknown) => void
      channel.send = (data: unknown): void => {
        const text = textOf(data)
        if (text.includes('"type":"heartbeat"')) {
          line.beatsMs.set(sentAt.exec(text)?.[1] ?? '', performance.now())
        }
        send(data)
      }
    }

    window.RTCPeerConnection = class extends RTCPeerConnection {
      private readonly line: Line
      private channel: RTCDataChannel | null = null
      constructor(configuration?: RTCConfiguration) {
        super(configuration)
        this.line = begin(this, () => this.channel?.readyState === 'open')
      }
      override createDataChannel(label: string, options?: RTCDataChannelInit): RTCDataChannel {
        const channel = (this.channel = super.createDataChannel(label, options))
        watch(this.line, channel)
        return channel
      }
    }
    window.WebSocket = class extends WebSocket {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols)
        if (!new URL(url, location.href).pathname.endsWith('/channel')) return
        const line = begin(null, () => this.readyState === WebSocket.OPEN)
        watch(line, this)
      }
    }
  })
}

/** Asks a page's browser; null where nothing is open. */
export async function truthOf(page: Page, isNear: (address: string) => boolean): Promise<Truth | null> {
  const found = await page.evaluate(async () => {
    const open = window.roadLines.filter((line) => line.welcomedMs > 0 && line.isOpen())
    const line = open.sort((one, other) => one.welcomedMs - other.welcomedMs).at(-1)
    if (!line) return null
    const { welcomedMs, madeMs, roundTripsMs } = line
    const times = { welcomedMs, openMs: welcomedMs - madeMs, roundTripsMs }
    if (!line.peer) {
      const none = { local: '', remote: '', address: '' }
      return { ...times, ...none, protocol: 'ws' }
    }
    const stats = new Map<string, Record<string, unknown>>()
    ;(await line.peer.getStats()).forEach((one: { id: string }) => stats.set(one.id, { ...one }))
    const transport = [...stats.values()].find(({ type }) => type === 'transport')
    const pair = stats.get(String(transport?.selectedCandidatePairId))
    const local = stats.get(String(pair?.localCandidateId)) ?? {}
    const remote = stats.get(String(pair?.remoteCandidateId)) ?? {}
    return {
      ...times,
      local: String(local.candidateType ?? ''),
      remote: String(remote.candidateType ?? ''),
      address: String(remote.address ?? ''),
      protocol: String(local.relayProtocol ?? local.protocol ?? ''),
    }
  })
  return found && { ...found, road: roadOf(found, isNear) }
}

function roadOf(
  { protocol, local, remote, address }: Omit<Truth, 'road'>,
  isNear: (address: string) => boolean,
): Truth['road'] {
  if (protocol === 'ws') return 'local'
  if (!local || !remote) return null
  if (local === 'relay' || remote === 'relay') return 'relay'
  // Hidden, since it was found by a name: by multicast DNS, which no router passes on.
  if (!address && remote === 'host') return 'lan'
  return isNear(address) ? 'lan' : 'p2p'
}
