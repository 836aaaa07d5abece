/** Whether a browser gathers a candidate of one type (RFC 8445, section 5.1.1) with some servers. */
import { isIpv4, isIpv6 } from './addresses'
import type { MakePeer } from './peerCall'

/**
 * Whether there is one, or nobody translates addresses: then what the STUN server says is the address
 * of a host candidate, which is not given twice. Closed when the signal says so.
 */
export async function gather(
  makePeer: MakePeer,
  iceServers: RTCIceServer[],
  type: 'srflx' | 'relay',
  signal: AbortSignal,
): Promise<boolean> {
  const peer = makePeer({ iceServers, iceTransportPolicy: type === 'relay' ? 'relay' : 'all' })
  signal.addEventListener('abort', () => peer.close())
  let isAnswered = true
  /** A browser that hides its own addresses always gives the server's word. */
  let isHostShown = false
  peer.onicecandidateerror = () => (isAnswered = false)
  const found = new Promise<boolean>((resolve) => {
    peer.onicecandidate = ({ candidate }) => {
      if (candidate?.type === type) resolve(true)
      else if (!candidate) resolve(type === 'srflx' && isAnswered && isHostShown)
      else isHostShown ||= isLiteral(candidate.address ?? '')
    }
  })
  peer.createDataChannel('check')
  await peer.setLocalDescription()
  return found
}

function isLiteral(address: string): boolean {
  return isIpv4(address) || isIpv6(address)
}
