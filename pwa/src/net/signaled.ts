/** A connection whose descriptions travel over the VDS (RFC 8829), candidates trickled (RFC 8838). */
import type { RoadName, Signal } from '../protocol/generated'
import { PeerCall, type PeerOptions } from './peerCall'
import type { DialHandlers, SignaledDial, SignalPost } from './road'
import { selectedRoad } from './selectedRoad'

export interface SignaledOptions extends PeerOptions {
  /** The VDS's. The offer waits for them, so they come soon or not at all. */
  iceServers: () => Promise<RTCIceServer[]>
}

export function signaledDial(options: SignaledOptions): SignaledDial {
  return (signals, handlers) => new SignaledCall(options, signals, handlers)
}

class SignaledCall extends PeerCall {
  private readonly id = crypto.randomUUID()
  private readonly stopListening: () => void
  /** Candidates found before the offer has left; the PC knows no connection before it. */
  private early: Signal[] | null = []
  protected readonly iceServers: () => Promise<RTCIceServer[]>

  constructor(
    options: SignaledOptions,
    private readonly signals: SignalPost,
    handlers: DialHandlers,
  ) {
    super(options, handlers)
    this.iceServers = options.iceServers
    this.stopListening = signals.listen(this.id, (signal) => void this.hear(signal))
    void this.dial()
  }

  async road(): Promise<RoadName | null> {
    const stats = await this.statistics()
    return stats && selectedRoad(stats)
  }

  override hangUp(): void {
    this.stopListening()
    super.hangUp()
  }

  protected exchange(_peer: RTCPeerConnection, sdp: string): void {
    this.signals.post({ type: 'offer', connection: this.id, sdp })
    const early = this.early ?? []
    this.early = null
    for (const candidate of early) this.signals.post(candidate)
  }

  protected override trickle({ candidate, sdpMid, sdpMLineIndex }: RTCIceCandidate): void {
    const signal: Signal = {
      type: 'candidate',
      connection: this.id,
      candidate,
      sdp_mid: sdpMid,
      sdp_mline_index: sdpMLineIndex,
    }
    if (this.early) this.early.push(signal)
    else this.signals.post(signal)
  }

  private async hear(signal: Signal): Promise<void> {
    if (this.over || !this.peer) return
    if (signal.type === 'refusal') return this.fail()
    try {
      if (signal.type === 'answer') {
        await this.peer.setRemoteDescription({ type: 'answer', sdp: signal.sdp })
      } else if (signal.type === 'candidate') {
        await this.peer.addIceCandidate({
          candidate: signal.candidate,
          sdpMid: signal.sdp_mid ?? null,
          sdpMLineIndex: signal.sdp_mline_index ?? null,
        })
      }
    } catch {
      this.fail()
    }
  }
}
