"""One connection to a device that the signaling server introduced (RFC 8829).

aiortc has no ICE restart, so every offer gets a connection of its own.
"""

import asyncio
from collections.abc import Callable

import aioice
from aiortc import (
    RTCCertificate,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.sdp import candidate_from_sdp

from gpu_peer.transports import gathering, triggered_checks
from gpu_peer.transports.chat_channel import ChatChannel, Serve
from gpu_peer.transports.ice_servers import NONE, IceServers
from gpu_peer.transports.road import road_of
from gpu_peer.transports.sdp import fingerprint, is_mdns, prepare_answer, prepare_offer
from gpu_peer.trust.connect import Fingerprints
from protocol.errors import Malformed
from protocol.roads import RoadName
from protocol.signaling import Candidate

CONNECT_S = 15.0
"""aiortc never gives up by itself."""

CLOSE_S = 1.0
"""So long the end is waited for: aioice asks a relay that is gone for a minute to forget it."""

MAX_CANDIDATES = 64


class SignaledSession:
    """A peer connection with one data channel, from the offer to the end."""

    _ice: aioice.Connection

    def __init__(
        self,
        certificate: RTCCertificate,
        serve: Callable[[RoadName], Serve],
        servers: IceServers = NONE,
        relay_failed: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare.

        Args:
            certificate: The PC's own.
            serve: Gives, for a road, what finds out who it is and talks to the device until the
                channel is closed. Handed the fingerprints of the descriptions that are enforced.
            servers: May be asked for more addresses of this PC.
            relay_failed: Called where the relay among them gives no allocation.
        """
        self._servers = servers
        self._relay_failed = relay_failed
        # Not none: the default is a third party's STUN server.
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        # aiortc has no public way to give it a certificate.
        setattr(self._peer, "_RTCPeerConnection__certificates", [certificate])  # noqa: B010
        self._serve = serve
        self._described = False
        self._early: list[Candidate] = []
        self._candidates = 0
        self._closing: asyncio.Future[None] | None = None
        self._chat = ChatChannel()
        self._peer.on("datachannel", self._chat.offered)
        self._peer.on("connectionstatechange", self._on_state)

    async def accept(self, offer: str) -> str:
        """Take the offer and give the answer.

        Raises:
            Malformed: the offer is none that this PC can answer.
        """
        prepared = prepare_offer(offer)
        try:
            await self._peer.setRemoteDescription(RTCSessionDescription(prepared, "offer"))
            if self._peer.sctp is None:
                raise Malformed("The offer has no data channel.")
            # The device is the DTLS client: censors know the handshakes that libraries begin.
            self._peer.sctp.transport._set_role("server")
            self._ice = self._peer.sctp.transport.transport._connection
            gathering.prepare(self._ice, self._servers, self._relay_failed)
            triggered_checks.prepare(self._ice)
            await self._peer.setLocalDescription(await self._peer.createAnswer())
        except Exception:  # aiortc's parser raises whatever its code happens to
            raise Malformed("The offer is not a session description.") from None
        self._described = True
        for candidate in self._early:
            await self.add_candidate(candidate)
        return prepare_answer(self._peer.localDescription.sdp)

    async def add_candidate(self, candidate: Candidate) -> None:
        """Take one more address of the device. One that is of no use is passed over."""
        self._candidates += 1
        if self._candidates > MAX_CANDIDATES:
            return
        if not self._described:
            self._early.append(candidate)
            return
        if is_mdns(candidate.candidate):
            return
        try:
            parsed = candidate_from_sdp(candidate.candidate.split(":", 1)[1])
            parsed.sdpMid = candidate.sdp_mid
            parsed.sdpMLineIndex = candidate.sdp_mline_index
            await self._peer.addIceCandidate(parsed)
        except Exception:  # as above; a device has several, and its own checks besides
            return

    async def run(self) -> None:
        """Wait for the channel, serve the device, and close everything."""
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._chat.wait()
            await self._chat.serve(self._serve(road_of(self._ice)), self._fingerprints())
        except TimeoutError:
            pass
        finally:
            await self.close()

    async def close(self) -> None:
        """Cut the connection."""
        self._chat.lost()
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._peer.close())
        # Not awaited itself: aiortc breaks when a task that waits for its end is cancelled.
        done, _ = await asyncio.wait((self._closing,), timeout=CLOSE_S)
        for closed in done:
            closed.result()

    def _fingerprints(self) -> Fingerprints:
        return Fingerprints(
            home=fingerprint(prepare_answer(self._peer.localDescription.sdp)),
            device=fingerprint(self._peer.remoteDescription.sdp),
        )

    def _on_state(self) -> None:
        if self._peer.connectionState in ("failed", "closed"):
            self._chat.lost()
