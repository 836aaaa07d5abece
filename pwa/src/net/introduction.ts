/** Connecting as a device that a home knows: runs `trust/connect.ts` on each new channel. */
import type { ErrorCode } from '../protocol/generated'
import type { Bytes } from '../trust/bytes'
import { type Connect, isOver, newConnect, stepConnect } from '../trust/connect'
import type { PairingInput } from '../trust/pairing'
import { code, type Fingerprints, keyId } from '../trust/transcript'
import { Handshake, type HandshakeOptions, type Machine, type Party } from './handshake'
import type { Opening } from './opening'

/** Only these are told to the person; any other refusal may pass by itself. */
const final: readonly ErrorCode[] = ['device_unknown', 'device_revoked', 'unsupported_version']

/** @param homeKey as it was pinned; null where no home is */
export function introduction(options: HandshakeOptions, homeKey: () => Bytes | null): Opening {
  return (channel, fingerprints, handlers) =>
    new Handshake(channel, options, (party) => begin(party, homeKey(), fingerprints), {
      onStep: ({ connect }) => {
        switch (connect.state) {
          case 'bound':
            return handlers.onBound(codeOf(connect), connect.ticket)
          case 'attack':
            return handlers.onAttack()
          case 'refused':
            if (connect.code && final.includes(connect.code)) handlers.onRefused(connect.code)
            else handlers.onLost()
            return
          case 'timeout':
            return handlers.onLost()
        }
      },
      onLost: handlers.onLost,
    })
}

async function begin(
  { key, nonce, commitment }: Party,
  homeKey: Bytes | null,
  fingerprints: Fingerprints,
): Promise<Introducing> {
  if (!homeKey) throw new Error('Nobody is introduced where no home is pinned.')
  const deviceKey = key.publicKey
  const deviceId = await keyId(deviceKey)
  return new Introducing(newConnect({ deviceId, deviceKey, homeKey, fingerprints, nonce, commitment }))
}

class Introducing implements Machine {
  constructor(public connect: Connect) {}

  get dueMs(): number | null {
    return this.connect.dueMs
  }

  get isOver(): boolean {
    return isOver(this.connect.state)
  }

  take(input: PairingInput, nowMs: number) {
    // Nobody is asked here, and nothing but signatures is made.
    if (input.type === 'made' || input.type === 'answered') return []
    const { connect, effects } = stepConnect(this.connect, input, nowMs)
    this.connect = connect
    return effects
  }
}

function codeOf({ transcript, known }: Connect): Promise<string> {
  if (!transcript) throw new Error('Nothing is bound without a challenge.')
  return code(transcript, known.nonce)
}
