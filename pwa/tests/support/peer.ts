/** The part of RTCPeerConnection that dialing uses: descriptions with the fingerprints of a test. */
export class TestPeer {
  readonly channel = { binaryType: '', onopen: null as (() => void) | null }
  connectionState = 'new'
  closed = false
  localDescription: { sdp: string } | null = null
  currentLocalDescription: { sdp: string } | null = null
  currentRemoteDescription: { sdp: string } | null = null
  onicecandidate: unknown = null
  /** What `getStats` gives, each with its id. */
  stats: { id: string }[] = []
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

  getStats(): Promise<Map<string, { id: string }>> {
    return Promise.resolve(new Map(this.stats.map((one) => [one.id, one])))
  }

  /** The connection's state has become this one. */
  turn(state: string): void {
    this.connectionState = state
    this.onconnectionstatechange?.()
  }

  close(): void {
    this.closed = true
  }
}

/** Statistics of a connection over these two candidates, as Chromium gives them. */
export function statsOf(
  local: { candidateType: string; address?: string },
  remote: { candidateType: string; address?: string },
): { id: string }[] {
  const other = { id: 'unused', type: 'candidate-pair', localCandidateId: 'none' }
  return [
    other,
    { id: 'L', type: 'local-candidate', ...local },
    { id: 'R', type: 'remote-candidate', ...remote },
    { id: 'P', type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R' },
    { id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
  ] as { id: string }[]
}
