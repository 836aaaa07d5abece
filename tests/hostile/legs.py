"""The two ends of a peer connection with one data channel: who calls, and who is called."""

import asyncio
from collections.abc import Awaitable, Callable

from aiortc import (
    RTCCertificate,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.sdp import candidate_from_sdp

from gpu_peer.transports.sdp import fingerprint, is_mdns, prepare_answer, prepare_offer
from gpu_peer.trust.connect import Fingerprints
from protocol.signaling import Candidate

Carry = Callable[[str], Awaitable[str]]
"""Takes an offer to whoever answers it, and gives the answer."""

Hear = Callable[[bytes | str], None]


def _nothing(*_: object) -> None:
    pass


class Leg:
    """Says frames, once the channel is open, and hears them."""

    def __init__(self, certificate: RTCCertificate | None = None) -> None:
        self.on_frame: Hear = _nothing
        self.on_lost: Callable[[], None] = _nothing
        self.opened = asyncio.Event()
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        if certificate is not None:
            setattr(self.peer, "_RTCPeerConnection__certificates", [certificate])  # noqa: B010
        self.peer.on("connectionstatechange", self._on_state)
        self._channel: RTCDataChannel | None = None
        self._waiting: list[bytes | str] = []
        self._is_lost = False

    def say(self, frame: bytes | str) -> None:
        """Send a frame, or keep it until the channel is open; after its end it is gone."""
        if self._channel is not None and self._channel.readyState == "open":
            self._channel.send(frame)
        elif not self._is_lost:
            self._waiting.append(frame)

    def hang_up(self) -> None:
        """Close the channel; what was said still arrives."""
        if self._channel is not None:
            self._channel.close()

    async def close(self) -> None:
        await self.peer.close()

    def _carry(self, channel: RTCDataChannel) -> None:
        self._channel = channel
        channel.on("message", lambda frame: self.on_frame(frame))
        channel.on("open", self._on_open)
        channel.on("close", self._on_close)
        if channel.readyState == "open":
            self._on_open()

    def _on_open(self) -> None:
        self.opened.set()
        waiting, self._waiting = self._waiting, []
        for frame in waiting:
            self.say(frame)

    def _on_close(self) -> None:
        if not self._is_lost:
            self._is_lost = True
            self.on_lost()

    def _on_state(self) -> None:
        if self.peer.connectionState in ("failed", "closed"):
            self._on_close()


class Caller(Leg):
    """Makes the offer and the channel."""

    async def call(self, carry: Carry) -> None:
        """Offer, and take the answer as it comes."""
        self._carry(self.peer.createDataChannel("chat"))
        await self.peer.setLocalDescription(await self.peer.createOffer())
        answer = await carry(prepare_answer(self.peer.localDescription.sdp))
        await self.peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    def fingerprints(self) -> Fingerprints:
        """Give what is enforced here; `Malformed` where that is not one sha-256 a side."""
        return Fingerprints(
            home=fingerprint(self.peer.remoteDescription.sdp),
            device=fingerprint(prepare_answer(self.peer.localDescription.sdp)),
        )


class Callee(Leg):
    """Answers an offer in the place of the home."""

    def __init__(self, certificate: RTCCertificate | None = None) -> None:
        super().__init__(certificate)
        self.peer.on("datachannel", self._carry)

    async def answer(self, offer: str) -> str:
        """Take the offer and give the answer."""
        await self.peer.setRemoteDescription(RTCSessionDescription(prepare_offer(offer), "offer"))
        await self.peer.setLocalDescription(await self.peer.createAnswer())
        return prepare_answer(self.peer.localDescription.sdp)

    async def add_candidate(self, signal: Candidate) -> None:
        """Take one more address of the device; one with a hidden name is of no use."""
        if is_mdns(signal.candidate):
            return
        candidate = candidate_from_sdp(signal.candidate.split(":", 1)[1])
        candidate.sdpMid, candidate.sdpMLineIndex = signal.sdp_mid, signal.sdp_mline_index
        await self.peer.addIceCandidate(candidate)
