/** One connection of WebRTC with the one data channel of a call, however its answer comes about. */
import type { RoadName } from '../protocol/generated'
import { fingerprint } from '../trust/fingerprint'
import type { Fingerprints } from '../trust/transcript'
import type { Call, DialHandlers } from './road'

export type MakePeer = (configuration: RTCConfiguration) => RTCPeerConnection

export interface PeerOptions {
  /** This device's own; null leaves it to the browser. */
  certificate: () => Promise<RTCCertificate | null>
  makePeer: MakePeer
}

export abstract class PeerCall implements Call {
  protected peer: RTCPeerConnection | null = null
  protected isOpen = false
  protected over = false

  constructor(
    private readonly options: PeerOptions,
    private readonly handlers: DialHandlers,
  ) {}

  abstract road(): Promise<RoadName | null>

  /** The servers to ask. A browser's own default would ask a third party, so always given. */
  protected abstract readonly iceServers: () => Promise<RTCIceServer[]>

  /** The offer is set: sees to its answer. */
  protected abstract exchange(peer: RTCPeerConnection, offer: string): Promise<void> | void

  protected trickle?(candidate: RTCIceCandidate): void

  hangUp(): void {
    if (this.over) return
    this.over = true
    if (!this.peer) return
    this.peer.onicecandidate = this.peer.onconnectionstatechange = null
    this.peer.close()
  }

  /** The browser's, of this connection; null before it is made and after it has ended. */
  async statistics(): Promise<RTCStatsReport | null> {
    if (this.over || !this.peer) return null
    return this.peer.getStats().catch(() => null)
  }

  protected async dial(): Promise<void> {
    try {
      const [certificate, iceServers] = await Promise.all([
        this.options.certificate(),
        this.iceServers(),
      ])
      if (this.over) return
      const peer = this.open({ iceServers, certificates: certificate ? [certificate] : [] })
      await peer.setLocalDescription()
      const offer = peer.localDescription?.sdp
      if (!this.over && offer) await this.exchange(peer, offer)
    } catch {
      this.fail()
    }
  }

  protected fail(): void {
    if (this.over) return
    this.hangUp()
    this.handlers.onFailed()
  }

  private open(configuration: RTCConfiguration): RTCPeerConnection {
    const peer = (this.peer = this.options.makePeer(configuration))
    peer.onicecandidate = ({ candidate }) => {
      // The end of candidates is not told: the PC would take it for the end of the connection.
      if (candidate?.candidate) this.trickle?.(candidate)
    }
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
    this.isOpen = true
    this.handlers.onOpen(channel, fingerprints)
  }
}
