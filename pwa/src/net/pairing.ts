/** Becoming known to a home: runs `trust/pairing.ts` on a new channel, then the introduction. */
import type { ErrorCode } from '../protocol/generated'
import type { Bytes } from '../trust/bytes'
import {
  type Invited,
  isPairingOver,
  newPairing,
  type Pairing,
  type PairingInput,
  stepPairing,
} from '../trust/pairing'
import { code, type Transcript } from '../trust/transcript'
import { Handshake, type HandshakeOptions, type Machine } from './handshake'
import { introduction } from './introduction'
import type { Opening, Running } from './opening'

export type PairingFailure = ErrorCode | 'attack' | 'declined' | 'timeout' | 'unkept'

/** What a device asks to be paired by: what its person was given, and what it calls itself. */
export type Asked = Pick<Invited, 'secret' | 'homeId' | 'name'>

export interface PairingHandlers {
  /** A channel is open, and the home is asked. */
  onBegun: () => void
  /** The person is to compare this with what the PC shows, and to `answer`. */
  onCode: (code: string) => void
  /** Keeps the home's key; false where the browser did not. */
  pin: (homeKey: Bytes) => Promise<boolean>
  onPaired: () => void
  /** Once at most. An invitation is for one try: what broke off is not begun again by itself. */
  onFailed: (failure: PairingFailure) => void
}

export interface PairingOpening {
  readonly open: Opening
  /** Whether both screens show the same code, as the person says. */
  answer(equal: boolean): void
}

export function pairing(
  options: HandshakeOptions,
  invitation: Asked,
  handlers: PairingHandlers,
): PairingOpening {
  let current: PairingCall | null = null
  return {
    open: (...args) => (current = new PairingCall(options, invitation, handlers, args)),
    answer: (equal) => current?.answer(equal),
  }
}

class PairingCall implements Running {
  private readonly handshake: Handshake<Asking>
  private introducing: Running | null = null
  private isCodeTold = false
  private stopped = false
  /** Whether it is known what became of the pairing. */
  private settled = false

  constructor(
    private readonly options: HandshakeOptions,
    invitation: Asked,
    private readonly handlers: PairingHandlers,
    private readonly args: Parameters<Opening>,
  ) {
    const [channel, fingerprints] = args
    this.handshake = new Handshake(
      channel,
      options,
      ({ key, nonce, commitment }) =>
        new Asking(
          newPairing({ ...invitation, deviceKey: key.publicKey, fingerprints, nonce, commitment }),
        ),
      {
        onStep: ({ pairing }) => this.look(pairing),
        onLost: () => this.fail('peer_unreachable'),
      },
    )
    handlers.onBegun()
  }

  answer(equal: boolean): void {
    this.handshake.feed({ type: 'answered', equal })
  }

  stop(): void {
    this.stopped = true
    this.handshake.stop()
    this.introducing?.stop()
    this.fail('peer_unreachable')
  }

  private look({ state, transcript, invited, code: refusal }: Pairing): void {
    switch (state) {
      case 'comparing':
        return void this.tellCode(transcript, invited.nonce)
      case 'paired':
        this.settled = true
        return void this.pin(transcript)
      case 'refused':
        return this.fail(refusal ?? 'malformed')
      case 'attack':
        this.settled = true
        this.args[2].onAttack()
        return this.handlers.onFailed('attack')
      case 'declined':
      case 'timeout':
        return this.fail(state)
    }
  }

  private async tellCode(transcript: Transcript | null, nonce: Bytes): Promise<void> {
    if (!transcript || this.isCodeTold) return
    this.isCodeTold = true
    const shown = await code(transcript, nonce)
    if (!this.settled) this.handlers.onCode(shown)
  }

  private async pin(transcript: Transcript | null): Promise<void> {
    if (!transcript) return
    const { homeKey } = transcript
    if (!(await this.handlers.pin(homeKey))) return this.handlers.onFailed('unkept')
    this.handlers.onPaired()
    if (!this.stopped) this.introducing = introduction(this.options, () => homeKey)(...this.args)
  }

  private fail(failure: PairingFailure): void {
    if (this.settled) return
    this.settled = true
    this.handlers.onFailed(failure)
  }
}

class Asking implements Machine {
  constructor(public pairing: Pairing) {}

  get dueMs(): number | null {
    return this.pairing.dueMs
  }

  get isOver(): boolean {
    return isPairingOver(this.pairing.state)
  }

  take(input: PairingInput, nowMs: number) {
    const { pairing, effects } = stepPairing(this.pairing, input, nowMs)
    this.pairing = pairing
    return effects
  }
}
