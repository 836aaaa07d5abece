"""One connection of a LAN dial, from its first DTLS record to its end.

DTLS server and SCTP of aiortc on a path of the agent. Which device it is, the reception finds out;
the certificate that it came with is part of what both ends sign.
"""

import asyncio
from typing import cast

from aiortc import (
    RTCCertificate,
    RTCDtlsTransport,
    RTCIceGatherer,
    RTCIceTransport,
    RTCSctpTransport,
)
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters, State
from aiortc.rtcicetransport import RTCIceParameters
from aiortc.rtcsctptransport import RTCSctpCapabilities
from cryptography.hazmat.primitives.hashes import SHA256

from gpu_peer.transports.certificate import fingerprint_of
from gpu_peer.transports.chat_channel import ChatChannel, Serve
from gpu_peer.transports.lan.connection import LiteConnection
from gpu_peer.trust.connect import Fingerprints
from protocol.limits import MESSAGE_BYTES

SCTP_PORT = 5000
"""What the answer that a device writes for itself says (RFC 8841, section 5)."""


class LanSession:
    """Runs until the connection or its channel is over."""

    def __init__(
        self, connection: LiteConnection, certificate: RTCCertificate, serve: Serve
    ) -> None:
        self._serve = serve
        self._home = fingerprint_of(certificate)
        self._connection = connection
        self._ice = RTCIceTransport(cast(RTCIceGatherer, _Gatherer(connection)))
        self._dtls = _AnyClient(self._ice, [certificate])
        self._sctp = RTCSctpTransport(self._dtls, port=SCTP_PORT)
        self._chat = ChatChannel()
        self._closing: asyncio.Future[None] | None = None
        self._sctp.on("datachannel", self._chat.offered)
        self._dtls.on("statechange", self._on_state)
        self._ice.on("statechange", self._on_state)

    async def open(self) -> None:
        """Wait for the channel; cancelled where the connection goes before."""
        # What it would say to a full agent: the agent has checked all that there is to check.
        await self._ice.start(RTCIceParameters(usernameFragment="", password=""))
        if self._ice.state == "completed":
            await self._dtls.start(RTCDtlsParameters([RTCDtlsFingerprint("sha-256", "")]))
        if self._dtls.state == "connected":
            await self._sctp.start(RTCSctpCapabilities(MESSAGE_BYTES), SCTP_PORT)
        await self._chat.wait()

    async def run(self) -> None:
        """Have the device served on the open channel."""
        await self._chat.serve(self._serve, Fingerprints(self._home, self._dtls.client))

    async def close(self) -> None:
        """Cut the connection."""
        self._chat.lost()
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._stop())
        # Shielded: aiortc breaks when a task that waits for its end is cancelled.
        await asyncio.shield(self._closing)

    async def _stop(self) -> None:
        await self._sctp.stop()
        await asyncio.sleep(0)  # what its timers have begun to send goes before DTLS ends
        await self._dtls.stop()
        await self._ice.stop()
        self._connection.lost()

    def _on_state(self) -> None:
        if {self._dtls.state, self._ice.state} & {"closed", "failed"}:
            self._chat.lost()


class _AnyClient(RTCDtlsTransport):
    """A DTLS server that takes any certificate, and remembers which."""

    def __init__(self, transport: RTCIceTransport, certificates: list[RTCCertificate]) -> None:
        super().__init__(transport, certificates)
        self._set_role("server")
        self.client = b""
        """SHA-256 of the client's certificate, 32 bytes."""

    def _validate_peer_identity(self, remoteParameters: RTCDtlsParameters) -> None:  # noqa: N803
        tls = self._ssl
        certificate = None if tls is None else tls.get_peer_certificate(as_cryptography=True)
        if certificate is None:
            self._set_state(State.FAILED)
            return
        self.client = certificate.fingerprint(SHA256())


class _Gatherer:
    """The part of `RTCIceGatherer` that `RTCIceTransport` uses."""

    _remote_candidates_end = True

    def __init__(self, connection: LiteConnection) -> None:
        self._connection = connection

    def remove_all_listeners(self) -> None:
        """There are none."""
