/** A connection whose descriptions travel over the VDS (RFC 8829), candidates trickled (RFC 8838). */
import type { Signal } from '../protocol/generated'
import { fingerprint } from '../trust/fingerprint'
import type { Fingerprints } from '../trust/transcript'
import type { Call, Dial, DialHandlers, SignalPost } from './road'

/** Always given: a browser's own default would ask a third party. */
const configuration: RTCConfiguration = { iceServers: [] }

export interface SignaledOptions {
  /** This device's own; null leaves it to the browser. */
  certificate: () => Promise<RTCCertificate | null>
  makePeer: (configuration: RTCConfiguration) => RTCPeerConnection
}

export function signaledDial(options: SignaledOptions): Dial {
  return (signals, handlers) => new SignaledCall(options, signals, handlers)
}

class SignaledCall implements Call {
  readonly road = 'signaled'
  private readonly id = crypto.randomUUID()
  private peer: RTCPeerConnection | null = null
  private readonly stopListening: () => void
  /** Candidates found before the offer has left; the PC knows no connection before it. */
  private early: Signal[] | null = []
  private over = false

  constructor(
    private readonly options: SignaledOptions,
    private readonly signals: SignalPost,
    private readonly handlers: DialHandlers,
  ) {
    this.stopListening = signals.listen(this.id, (signal) => void this.hear(signal))
    void this.offer()
  }

  hangUp(): void {
    if (this.over) return
    this.over = true
    this.stopListening()
    if (!this.peer) return
    this.peer.onicecandidate = this.peer.onconnectionstatechange = null
    this.peer.close()
  }

  private async offer(): Promise<void> {
    try {
      const certificate = await this.options.certificate()
      if (this.over) return
      const peer = this.open(certificate ? [certificate] : [])
      await peer.setLocalDescription()
      const sdp = peer.localDescription?.sdp
      if (this.over || !sdp) return
      this.signals.post({ type: 'offer', connection: this.id, sdp })
      const early = this.early ?? []
      this.early = null
      for (const candidate of early) this.signals.post(candidate)
    } catch {
      this.fail()
    }
  }

  private open(certificates: RTCCertificate[]): RTCPeerConnection {
    const peer = (this.peer = this.options.makePeer({ ...configuration, certificates }))
    peer.onicecandidate = ({ candidate }) => this.trickle(candidate)
    peer.onconnectionstatechange = () => {
      if (['failed', 'closed'].includes(peer.connectionState)) this.fail()
    }
    const channel = peer.createDataChannel('chat', { ordered: true })
    channel.binaryType = 'arraybuffer'
    channel.onopen = () => this.hand(channel, peer)
    return peer
  }

  private hand(channel: RTCDataChannel, peer: RTCPeerConnection): void {
    if (this.over) return
    let fingerprints: Fingerprints
    try {
      fingerprints = {
        home: fingerprint(peer.currentRemoteDescription?.sdp ?? ''),
        device: fingerprint(peer.currentLocalDescription?.sdp ?? ''),
      }
    } catch {
      return this.fail()
    }
    this.handlers.onOpen(channel, fingerprints)
  }

  private trickle(candidate: RTCIceCandidate | null): void {
    // The end of candidates is not told: the PC would take it for the end of the connection.
    if (this.over || !candidate?.candidate) return
    const signal: Signal = {
      type: 'candidate',
      connection: this.id,
      candidate: candidate.candidate,
      sdp_mid: candidate.sdpMid,
      sdp_mline_index: candidate.sdpMLineIndex,
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

  private fail(): void {
    if (this.over) return
    this.hangUp()
    this.handlers.onFailed()
  }
}
