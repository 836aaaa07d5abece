/** Whether a browser gathers a candidate of one type (RFC 8445, section 5.1.1) with some servers. */
import type { MakePeer } from './peerCall'

/** @returns false where all is gathered and none is of this type. Closed when the signal says so. */
export async function gather(
  makePeer: MakePeer,
  iceServers: RTCIceServer[],
  type: RTCIceCandidateType,
  signal: AbortSignal,
): Promise<boolean> {
  const iceTransportPolicy = type === 'relay' ? 'relay' : 'all'
  const peer = makePeer({ iceServers, iceTransportPolicy })
  signal.addEventListener('abort', () => peer.close())
  const found = new Promise<boolean>((resolve) => {
    peer.onicecandidate = ({ candidate }) => {
      if (candidate?.type === type) resolve(true)
      else if (!candidate) resolve(false)
    }
  })
  peer.createDataChannel('check')
  await peer.setLocalDescription()
  return found
}
