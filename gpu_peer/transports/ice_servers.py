"""The STUN and TURN servers of one connection: RFC 7064, RFC 7065."""

import re
from dataclasses import dataclass, field
from typing import Literal

Transport = Literal["udp", "tcp", "tls"]

_URL = re.compile(
    r"(?P<scheme>stun|turns?):(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
    r"(?::(?P<port>[0-9]{1,5}))?(?:\?transport=(?P<transport>udp|tcp))?"
)


@dataclass(frozen=True)
class Server:
    """Where a STUN or TURN server is. `host` is a name or a literal without brackets."""

    host: str
    port: int
    transport: Transport


@dataclass(frozen=True)
class Turn:
    """A TURN server, and credentials that are good for a new allocation."""

    server: Server
    username: str
    credential: str = field(repr=False)


@dataclass(frozen=True)
class IceServers:
    """What a connection may ask.

    `stun_from` are the addresses of this machine that had an answer from `stun`: asking from
    another one, a virtual machine's bridge for example, would have every offer wait for nothing.
    """

    stun: Server | None = None
    stun_from: frozenset[str] = frozenset()
    turn: Turn | None = None


NONE = IceServers()


def parse(url: str) -> Server | None:
    """Give where the address leads; None where it is none, or leads by a way not spoken here."""
    match = _URL.fullmatch(url)
    if match is None:
        return None
    scheme, asked = match["scheme"], match["transport"]
    port = int(match["port"] or (5349 if scheme == "turns" else 3478))
    if not 1 <= port <= 65535:
        return None
    transport: Transport
    match scheme, asked:
        case ("stun", None) | ("turn", None | "udp"):
            transport = "udp"
        case ("turn", "tcp"):
            transport = "tcp"
        case ("turns", None | "tcp"):
            transport = "tls"
        case _:
            return None
    return Server(match["host"].strip("[]"), port, transport)
