"""Ways to the PC, as the two ends and the VDS tell each other of them.

Which roads there are, and how each is opened: docs/protocol.md, Roads.
"""

import base64
import hashlib
import hmac
from typing import Annotated, Literal

import msgspec

from protocol.base import Count, Record

RoadName = Literal["local", "lan", "p2p", "relay"]
"""On the PC itself; in one network; between two; over the VDS's relay."""

Bytes32 = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$(?!\n)")]
"""32 bytes in base64url without padding."""

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
IceUfrag = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9+/]{4,256}$(?!\n)")]
IcePassword = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9+/]{22,256}$(?!\n)")]
"""ICE credentials (RFC 8839, section 5.4)."""

TURN_LIFE_S = 600
"""How long credentials for the relay last at most."""


class LanTicket(Record, frozen=True, kw_only=True):
    """All that a device needs to dial the PC with no server between.

    `addresses` are literals, IPv4 and IPv6, `name` is the PC's under `.local`, `ufrag` and
    `password` are this device's own, `fingerprint` is the SHA-256 of the PC's DTLS certificate.
    """

    addresses: Annotated[
        list[Annotated[str, msgspec.Meta(min_length=2, max_length=45)]],
        msgspec.Meta(max_length=16),
    ]
    name: Annotated[str, msgspec.Meta(max_length=253)] | None = None
    port: Port
    ufrag: IceUfrag
    password: IcePassword
    fingerprint: Bytes32


class RelayAccess(Record, frozen=True, kw_only=True):
    """The VDS's STUN and TURN addresses (RFC 7064, RFC 7065), and credentials for the latter.

    `turn` is empty, and there are no credentials, where there is no relay or it is not for the
    asking one: a person none of whose devices is paired yet.
    """

    stun: list[str]
    turn: list[str]
    username: str | None = None
    credential: str | None = None
    expires_in_s: Count


def turn_username(user: str, expires_s: int) -> str:
    """Give the name of credentials that end at a Unix time in seconds.

    'A REST API for access to TURN services' (draft-uberti-behave-turn-rest-00), section 2.2.
    """
    return f"{expires_s}:{user}"


def turn_password(secret: bytes, username: str) -> str:
    """Give the password of such a name; whoever has the secret, 32 bytes, can check it.

    The key is the secret as it stands in its file, in base64url: coturn takes text only.
    """
    key = base64.urlsafe_b64encode(secret).rstrip(b"=")
    return base64.b64encode(hmac.new(key, username.encode(), hashlib.sha1).digest()).decode()
