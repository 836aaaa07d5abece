/** Carries out what a device's machine asks for, as the app will, and remembers what it sent. */
import type { TrustFromHome, TrustToHome } from '../../src/protocol/generated'
import {
  type Connect,
  type ConnectEffect,
  type ConnectInput,
  type Known,
  newConnect,
  stepConnect,
} from '../../src/trust/connect'
import { type DeviceKey, sign } from '../../src/trust/keys'
import {
  type Invited,
  newPairing,
  type Pairing,
  type PairingEffect,
  type PairingInput,
  stepPairing,
} from '../../src/trust/pairing'
import { areRight } from '../../src/trust/proofs'
import { mac } from '../../src/trust/transcript'

abstract class Run<Input> {
  readonly sent: TrustToHome[] = []
  nowMs = 1_000

  constructor(protected readonly key: DeviceKey) {}

  get last(): TrustToHome {
    const last = this.sent.at(-1)
    if (!last) throw new Error('Nothing was sent.')
    return last
  }

  abstract feed(input: Input | { type: 'message'; message: TrustFromHome }): Promise<void>

  async hear(message: TrustFromHome): Promise<void> {
    await this.feed({ type: 'message', message })
  }
}

export class ConnectRun extends Run<ConnectInput> {
  connect: Connect

  constructor(known: Known, key: DeviceKey) {
    super(key)
    this.connect = newConnect(known)
  }

  override async feed(input: ConnectInput): Promise<void> {
    for (const effect of this.take(input)) await this.perform(effect)
  }

  /** Hands the input in and leaves its effects undone. */
  take(input: ConnectInput): readonly ConnectEffect[] {
    const { connect, effects } = stepConnect(this.connect, input, this.nowMs)
    this.connect = connect
    return effects
  }

  async perform(effect: ConnectEffect): Promise<void> {
    switch (effect.type) {
      case 'send':
        this.sent.push(effect.message)
        return
      case 'check':
        return this.feed({ type: 'checked', right: await areRight(effect.checks) })
      case 'sign':
        return this.feed({ type: 'signed', signature: await sign(this.key, effect.data) })
    }
  }
}

export class PairingRun extends Run<PairingInput> {
  pairing: Pairing

  constructor(invited: Invited, key: DeviceKey) {
    super(key)
    this.pairing = newPairing(invited)
  }

  override async feed(input: PairingInput): Promise<void> {
    const { pairing, effects } = stepPairing(this.pairing, input, this.nowMs)
    this.pairing = pairing
    for (const effect of effects) await this.perform(effect)
  }

  private async perform(effect: PairingEffect): Promise<void> {
    switch (effect.type) {
      case 'send':
        this.sent.push(effect.message)
        return
      case 'check':
        return this.feed({ type: 'checked', right: await areRight(effect.checks) })
      case 'make':
        return this.feed({ type: 'made', mac: await mac(effect.secret, effect.data) })
      case 'sign':
        return this.feed({ type: 'signed', signature: await sign(this.key, effect.data) })
    }
  }
}

/** Numbers that look random and are the same in every run: mulberry32. */
export function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
