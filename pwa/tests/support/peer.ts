/** The part of RTCPeerConnection that dialing uses: descriptions with the fingerprints of a test. */
export class TestPeer {
  readonly channel = { binaryType: '', onopen: null as (() => void) | null }
  connectionState = 'new'
  closed = false
  localDescription: { sdp: string } | null = null
  currentLocalDescription: { sdp: string } | null = null
  currentRemoteDescription: { sdp: string } | null = null
  onicecandidate: unknown = null
  onconnectionstatechange: (() => void) | null = null

  constructor(
    readonly configuration: RTCConfiguration,
    private readonly sdp: string,
  ) {}

  createDataChannel(): TestPeer['channel'] {
    return this.channel
  }

  setLocalDescription(): Promise<void> {
    this.localDescription = { sdp: this.sdp }
    return Promise.resolve()
  }

  /** What is enforced is what the browser made of the answer. */
  setRemoteDescription({ sdp }: { sdp: string }): Promise<void> {
    this.currentLocalDescription = this.localDescription
    this.currentRemoteDescription = { sdp }
    return Promise.resolve()
  }

  close(): void {
    this.closed = true
  }
}
