"""An aiortc peer behind a relay alone, which gives back whatever comes.

Reads a line of JSON, `{server, username, credential, offer}`, writes a line with its answer, and
stays until its standard input ends.
"""

import asyncio
import json
import sys

from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCSessionDescription,
)


async def main() -> None:
    """Answer one offer, and give back what its channel brings."""
    asked = json.loads(await asyncio.to_thread(sys.stdin.readline))
    server = RTCIceServer(asked["server"], asked["username"], asked["credential"])
    only_relayed = RTCIceTransportPolicy.RELAY
    peer = RTCPeerConnection(RTCConfiguration([server], iceTransportPolicy=only_relayed))

    @peer.on("datachannel")
    def take(channel: RTCDataChannel) -> None:
        channel.on("message", channel.send)

    await peer.setRemoteDescription(RTCSessionDescription(asked["offer"], "offer"))
    await peer.setLocalDescription(await peer.createAnswer())
    sys.stdout.write(json.dumps(peer.localDescription.sdp) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await peer.close()


if __name__ == "__main__":
    asyncio.run(main())
