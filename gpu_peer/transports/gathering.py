"""What addresses a connection offers, beyond what aiortc can be told. aioice is pinned."""

from collections.abc import Callable

import aioice
from aioice.ice import get_host_addresses

from gpu_peer.transports.ice_servers import IceServers

LOOPBACK = ("127.0.0.1", "::1")

GATHER_S = 3
"""So long an answer may wait for the servers, which all answered a moment ago; aioice takes 5."""


def host_addresses() -> list[str]:
    """Give this machine's addresses; those of loopback only where it has no other.

    aioice leaves loopback out always, and then a PC without a network has no candidate at all.
    """
    return get_host_addresses(use_ipv4=True, use_ipv6=True) or list(LOOPBACK)


def prepare(
    connection: aioice.Connection, servers: IceServers, relay_failed: Callable[[], None]
) -> None:
    """Have the connection gather from these servers, none of them asked from where it is silent.

    Set here and not as `RTCIceServer`s: aiortc understands no IPv6 literal in their addresses.
    `relay_failed` is called where there is no allocation in the end.
    """
    gather = connection.get_component_candidates
    stun, turn = servers.stun, servers.turn

    async def gather_from(
        component: int, addresses: list[str], _timeout: int = 0
    ) -> list[aioice.Candidate]:
        found = addresses or list(LOOPBACK)
        silent = [address for address in found if address not in servers.stun_from]
        candidates = await gather(component, silent)
        connection.stun_server = None if stun is None else (stun.host, stun.port)
        if turn is not None:
            connection.turn_server = (turn.server.host, turn.server.port)
            connection.turn_ssl = turn.server.transport == "tls"
            connection.turn_transport = "udp" if turn.server.transport == "udp" else "tcp"
            connection.turn_username = turn.username
            connection.turn_password = turn.credential
        heard = [address for address in found if address in servers.stun_from]
        candidates += await gather(component, heard, GATHER_S)
        if turn is not None and all(candidate.type != "relay" for candidate in candidates):
            relay_failed()
        return candidates

    setattr(connection, "get_component_candidates", gather_from)  # noqa: B010
