/** The shell around a machine of trust: its messages on a raw data channel, its checks, its time. */
import { ProtocolError } from '../protocol/decode'
import { type TrustFromHome, TrustFromHomeShape } from '../protocol/generated'
import type { Bytes } from '../trust/bytes'
import { type DeviceKey, sign } from '../trust/keys'
import type { PairingEffect, PairingInput } from '../trust/pairing'
import { areRight } from '../trust/proofs'
import { commitment, mac } from '../trust/transcript'
import type { DataChannel } from './channel'
import type { Clock } from './clock'
import { framesOf, Reader } from './frames'
import type { Running } from './opening'

/** What `trust/connect.ts` and `trust/pairing.ts` have in common; pairing's words contain the other's. */
export interface Machine {
  /** When `due` is to be handed in, in the clock's milliseconds. */
  readonly dueMs: number | null
  readonly isOver: boolean
  take(input: PairingInput, nowMs: number): readonly PairingEffect[]
}

export interface HandshakeOptions {
  clock: Clock
  /** Null where this browser keeps none. */
  deviceKey: () => Promise<DeviceKey | null>
  /** 32 random bytes, never the same twice. */
  makeNonce: () => Bytes
}

/** This device, as it is on one channel. */
export interface Party {
  readonly key: DeviceKey
  readonly nonce: Bytes
  readonly commitment: Bytes
}

export interface HandshakeHandlers<M> {
  /** After every step; the machine says whether it was the last, and then the channel is let go. */
  onStep: (machine: M) => void
  /** The channel or the key failed. Told once, and not after an end or `stop`. */
  onLost: () => void
}

export class Handshake<M extends Machine> implements Running {
  /** Another reader than the chats': their messages are not understood here. */
  private readonly reader = new Reader<TrustFromHome>(TrustFromHomeShape)
  private running: { machine: M; key: DeviceKey } | null = null
  private timer: unknown = null
  private over = false

  constructor(
    private readonly channel: DataChannel,
    private readonly options: HandshakeOptions,
    make: (party: Party) => M | Promise<M>,
    private readonly handlers: HandshakeHandlers<M>,
  ) {
    channel.onmessage = ({ data: frame }) => this.hear(frame)
    channel.onclose = () => this.lose()
    void this.begin(make)
  }

  feed(input: PairingInput): void {
    if (this.over || !this.running) return
    const { clock } = this.options
    const { machine } = this.running
    const effects = machine.take(input, clock.now())
    clock.cancel(this.timer)
    if (machine.isOver) this.stop()
    else if (machine.dueMs !== null) this.wait(machine.dueMs - clock.now())
    try {
      for (const effect of effects) this.perform(effect)
    } catch {
      // A browser throws when a channel has just closed under us.
      return this.lose()
    }
    this.handlers.onStep(machine)
  }

  stop(): void {
    if (this.over) return
    this.over = true
    this.options.clock.cancel(this.timer)
    this.channel.onmessage = this.channel.onclose = null
  }

  private async begin(make: (party: Party) => M | Promise<M>): Promise<void> {
    try {
      const key = await this.options.deviceKey()
      if (!key) return this.lose()
      const nonce = this.options.makeNonce()
      const party = { key, nonce, commitment: await commitment(key.publicKey, nonce) }
      this.running = { machine: await make(party), key }
    } catch {
      return this.lose()
    }
    this.feed({ type: 'start' })
  }

  private wait(ms: number): void {
    this.timer = this.options.clock.after(Math.max(0, ms), () => this.feed({ type: 'due' }))
  }

  private hear(frame: unknown): void {
    let message: TrustFromHome | null
    try {
      message = this.reader.read(frame)
    } catch (error) {
      const code = error instanceof ProtocolError ? error.code : 'malformed'
      return this.feed({ type: 'bad', code })
    }
    if (message) this.feed({ type: 'message', message })
  }

  private perform(effect: PairingEffect): void {
    if (effect.type !== 'send') return void this.answer(effect)
    for (const frame of framesOf(effect.message)) this.channel.send(frame)
  }

  private async answer(effect: Exclude<PairingEffect, { type: 'send' }>): Promise<void> {
    let input: PairingInput
    try {
      input = await this.resultOf(effect)
    } catch {
      return this.lose()
    }
    this.feed(input)
  }

  private async resultOf(effect: Exclude<PairingEffect, { type: 'send' }>): Promise<PairingInput> {
    switch (effect.type) {
      case 'check':
        return { type: 'checked', right: await areRight(effect.checks) }
      case 'make':
        return { type: 'made', mac: await mac(effect.secret, effect.data) }
      case 'sign': {
        if (!this.running) throw new Error('Nothing signs before it has begun.')
        return { type: 'signed', signature: await sign(this.running.key, effect.data) }
      }
    }
  }

  private lose(): void {
    if (this.over) return
    this.stop()
    this.handlers.onLost()
  }
}
