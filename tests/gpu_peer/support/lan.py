"""A device that dials the PC in its own network, as a browser does: nothing but its ticket."""

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import Callable
from typing import Any

from aiortc import RTCCertificate, RTCSessionDescription
from aiortc.rtcdtlstransport import SRTP_PROFILES
from OpenSSL import SSL

from gpu_peer.transports.signaled_sessions import Signals
from gpu_peer.uuid7 import uuid7
from protocol import base64url, stun
from protocol.roads import LanTicket
from tests.gpu_peer.support.device import RtcDevice


class Nobody(Signals):
    """No signaling server is asked."""


def answer_of(ticket: LanTicket) -> str:
    """Write the PC's answer in its place (RFC 8839), as the app does."""
    digits = base64url.from_text(ticket.fingerprint).hex(":").upper()
    candidates = [
        f"a=candidate:{n} 1 udp {2130706431 - n} {address} {ticket.port} typ host"
        for n, address in enumerate(ticket.addresses, 1)
    ]
    lines = [
        *("v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0", "a=ice-lite"),
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        *("c=IN IP4 0.0.0.0", "a=mid:0"),
        *(f"a=ice-ufrag:{ticket.ufrag}", f"a=ice-pwd:{ticket.password}"),
        *(f"a=fingerprint:sha-256 {digits}", "a=setup:passive"),
        *("a=sctp-port:5000", "a=max-message-size:262144"),
        *candidates,
        *("a=end-of-candidates", ""),
    ]
    return "\r\n".join(lines)


class LanDevice(RtcDevice):
    """Dials by its ticket."""

    def __init__(self, ticket: LanTicket, **more: Any) -> None:
        super().__init__("nobody", Nobody(), **more)
        self.ticket = ticket

    async def dial(self) -> None:
        """Begin to dial; whether it comes to anything, `open` says."""
        await self.peer.setLocalDescription(await self.peer.createOffer())
        answer = RTCSessionDescription(answer_of(self.ticket), "answer")
        await self.peer.setRemoteDescription(answer)

    async def reach(self, sdp: str | None = None) -> None:
        """See `RtcDevice`."""
        await self.dial()
        async with asyncio.timeout(20):
            await self.open.wait()


def check(
    ufrag: str,
    password: str,
    client: str = "client",
    transaction: bytes | None = None,
    nominate: bool = True,
    key: bytes | None = None,
) -> bytes:
    """Write a connectivity check as a full agent makes it."""
    attributes: list[stun.Attribute[Any]] = [
        stun.USERNAME.of(f"{ufrag}:{client}"),
        stun.PRIORITY.of(1),
        stun.ICE_CONTROLLING.of(1),
    ]
    if nominate:
        attributes.append(stun.USE_CANDIDATE.of(None))
    return stun.build(
        stun.Method.BINDING,
        stun.Class.REQUEST,
        transaction or secrets.token_bytes(12),
        attributes,
        key=stun.short_term_key(password) if key is None else key,
        fingerprint=True,
    )


CLIENT_HELLO = b"\x16\xfe\xff" + bytes(8) + b"\0\x01\x01" + bytes(40)
"""The beginning of a DTLS connection, as far as the agent looks at it."""

DATA = b"\x17\xfe\xfd\0\x01" + bytes(30)
"""Application data of a DTLS connection that was open before."""


def a_client_hello() -> bytes:
    """Give a ClientHello that a server goes on with."""
    certificate = RTCCertificate.generateCertificate()
    client = SSL.Connection(certificate._create_ssl_context(SRTP_PROFILES))
    client.set_connect_state()
    with contextlib.suppress(SSL.WantReadError):
        client.do_handshake()
    return bytes(client.bio_read(1500))


async def until(is_so: Callable[[], bool]) -> None:
    """Let everybody who can go on go on, until it is so."""
    async with asyncio.timeout(20):
        while not is_so():
            await _idle()


async def _idle() -> None:
    await asyncio.sleep(0)


def an_id() -> str:
    """Give the id of some device."""
    return hashlib.sha256(uuid7().encode()).hexdigest()[:32]
