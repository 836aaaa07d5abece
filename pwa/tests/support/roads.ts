/** A device on the move, between its PC's network and the world: real link and stores, virtual time. */
import type { DataChannel } from '../../src/net/channel'
import { makeLink } from '../../src/net/link'
import type { Call, DialHandlers } from '../../src/net/road'
import { Joiner, split } from '../../src/protocol/framing'
import type { Event, FromHome, RoadName, SendMessage, ToHome } from '../../src/protocol/generated'
import { answer as answerId, begun, chat, created, ended, welcomeOf, written } from './messages'
import { TestServices } from './services'
import { TestSocket } from './socket'
import { fingerprints } from './trust'

const latencyMs: Record<RoadName, number> = { local: 1, lan: 5, p2p: 30, relay: 60 }
/** So long a call is set up; where nobody answers, it is given up after the other. */
const dialMs = 150
const vainMs = 5_000
const growthMs = 100

/** Frames, each way, over a road. */
export class Passage implements DataChannel {
  bufferedAmount = 0
  bufferedAmountLowThreshold = 0
  closed = false
  welcomed = false
  onmessage: ((event: MessageEvent) => unknown) | null = null
  onclose: ((event: globalThis.Event) => unknown) | null = null
  onbufferedamountlow: ((event: globalThis.Event) => unknown) | null = null
  private readonly joiner = new Joiner()
  private readonly underWay: { arrive: () => void; atMs: number }[] = []
  private heardMs: number

  constructor(
    private readonly world: World,
    readonly road: RoadName,
  ) {
    this.heardMs = world.now
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    this.carry(() => {
      const message = this.joiner.feed(frame)
      this.heardMs = this.world.now
      if (message) this.world.hear(this, JSON.parse(new TextDecoder().decode(message)) as ToHome)
    })
  }

  close(): void {
    this.closed = true
    this.world.passages.delete(this)
  }

  say(message: FromHome): void {
    for (const frame of split(new TextEncoder().encode(JSON.stringify(message)))) {
      this.carry(() => this.onmessage?.({ data: frame.buffer } as MessageEvent))
    }
  }

  /** The PC waits no longer than the device does. */
  isForgotten(): boolean {
    return this.world.now - this.heardMs >= 3_000
  }

  /** In order; what is on its way waits while the road leads nowhere. */
  private carry(arrive: () => void): void {
    this.underWay.push({ arrive, atMs: this.world.now + latencyMs[this.road] })
    this.world.outside.clock.after(latencyMs[this.road], () => this.deliver())
  }

  deliver(): void {
    while (this.world.up.has(this.road) && this.world.passages.has(this)) {
      const [first] = this.underWay
      if (!first || first.atMs > this.world.now) return
      this.underWay.shift()
      first.arrive()
    }
  }
}

class VdsSocket extends TestSocket {
  override send(data: string): void {
    super.send(data)
    if (this.received.at(-1)?.type === 'ping') queueMicrotask(() => this.say({ type: 'pong' }))
  }
}

export class World {
  readonly outside = new TestServices()
  /** The roads that lead to the PC now. */
  readonly up = new Set<RoadName>(['lan', 'relay'])
  isVdsUp = true
  readonly passages = new Set<Passage>()
  /** By road: dialed, and hung up. */
  readonly dialed: RoadName[] = []
  readonly hungUp: RoadName[] = []
  hellos = 0
  readonly events: Event[] = [created(1)]
  private readonly commands = new Map<string, number>()
  private answer: { text: string; index: number } | null = null
  private readonly sockets: VdsSocket[] = []

  constructor() {
    const { outside } = this
    const { clock } = outside
    // IndexedDB takes its turns in real time.
    outside.database = () => {
      throw new DOMException('', 'SecurityError')
    }
    outside.makeLink = (options) =>
      makeLink({
        ...options,
        clock,
        token: () => Promise.resolve('token'),
        // Who is who is proved elsewhere.
        open: (_channel, _fingerprints, handlers) => {
          handlers.onBound(Promise.resolve('7ZRA-0W4K'), null)
          return { stop: () => undefined }
        },
        openSocket: () => this.openSocket(),
        dials: {
          direct: (handlers) => this.dial('lan', handlers),
          signaled: (_, handlers) => this.dial('relay', handlers),
        },
      })
    const grow = () => {
      this.grow()
      clock.after(growthMs, grow)
    }
    clock.after(growthMs, grow)
  }

  get now(): number {
    return this.outside.clock.now()
  }

  /** Lets time pass, and promises be kept in it. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 50) {
      this.outside.clock.pass(Math.min(50, left))
      await this.turn()
    }
  }

  /** How long it takes until this is so. */
  async time(holds: () => boolean, limitMs = 60_000): Promise<number> {
    const begun = this.now
    while (!holds()) {
      if (this.now - begun > limitMs) throw new Error('It never came to that.')
      await this.pass(50)
    }
    return this.now - begun
  }

  async turn(): Promise<void> {
    for (let turns = 0; turns < 8; turns++) await Promise.resolve()
  }

  /** The VDS is gone, or back. */
  setVds(isUp: boolean): void {
    this.isVdsUp = isUp
    if (!isUp) for (const socket of this.sockets.splice(0)) socket.break()
  }

  hear(from: Passage, message: ToHome): void {
    switch (message.type) {
      case 'hello':
        this.hellos++
        from.say(welcomeOf(this.events.length, { after: message.after ?? 0 }))
        from.say({
          type: 'events',
          events: this.events.slice(message.after ?? 0),
          upto: this.events.length,
        })
        if (this.answer) from.say(this.draft(this.answer))
        from.welcomed = true
        return
      case 'heartbeat':
        return from.say({ type: 'alive', sent_ms: message.sent_ms })
      case 'send_message': {
        const seq = this.commands.get(message.id) ?? this.write(message)
        return from.say({ type: 'acknowledged', id: message.id, seq })
      }
    }
  }

  /** The answer as far as it is. */
  get text(): string {
    return this.answer?.text ?? ''
  }

  finish(): void {
    const { text } = this
    this.answer = null
    this.append((seq) => ended(seq, text))
  }

  private write({ id, text, message }: SendMessage): number {
    const seq = this.append((seq) => written(seq, text, message))
    this.commands.set(id, seq)
    this.append((seq) => begun(seq, answerId, message))
    this.answer = { text: '', index: 0 }
    return seq
  }

  private append(make: (seq: number) => Event): number {
    const seq = this.events.length + 1
    const event = make(seq)
    this.events.push(event)
    for (const one of this.live()) one.say({ type: 'events', events: [event], upto: seq })
    return seq
  }

  private grow(): void {
    for (const passage of [...this.passages]) {
      passage.deliver()
      if (!passage.isForgotten()) continue
      this.passages.delete(passage)
      if (this.up.has(passage.road) && !passage.closed) passage.onclose?.(new Event('close'))
    }
    if (!this.answer) return
    const text = `${String(this.answer.index)} `
    const index = this.answer.index++
    this.answer.text += text
    for (const one of this.live()) one.say({ type: 'delta', chat, answer: answerId, index, text })
  }

  private draft({ text, index }: { text: string; index: number }): FromHome {
    return { type: 'draft', chat, answer: answerId, index, text }
  }

  private live(): Passage[] {
    return [...this.passages].filter(({ welcomed }) => welcomed)
  }

  private dial(road: RoadName, handlers: DialHandlers): Call {
    const { clock } = this.outside
    this.dialed.push(road)
    const passage = new Passage(this, road)
    const isThere = () => this.up.has(road)
    const timer = clock.after(isThere() ? dialMs : vainMs, () => {
      if (!isThere()) return handlers.onFailed()
      this.passages.add(passage)
      handlers.onOpen(passage, fingerprints)
    })
    return {
      road: () => Promise.resolve(road),
      hangUp: () => {
        clock.cancel(timer)
        this.passages.delete(passage)
        this.hungUp.push(road)
      },
    }
  }

  private openSocket(): VdsSocket {
    const socket = new VdsSocket()
    this.outside.clock.after(dialMs, () => {
      if (socket.closed) return
      if (!this.isVdsUp) return socket.break()
      this.sockets.push(socket)
      socket.admit('pc')
    })
    return socket
  }
}
