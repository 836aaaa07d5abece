"""Of the STUN and TURN servers that a signaling server names, those that answer here and now."""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import replace

from gpu_peer.transports.ice_servers import IceServers, Server, Turn, parse
from gpu_peer.transports.probe import answers
from gpu_peer.transports.road import is_near
from protocol.roads import RelayAccess

ORDER = ("udp", "tcp", "tls")
"""UDP first: over TCP one lost packet holds up all that follow."""

MOST = 8
"""Of whatever a server names, so many are looked at."""


async def choose(access: RelayAccess, local: Sequence[str], *, may_be_near: bool) -> IceServers:
    """Ask all of them at once.

    Args:
        access: What the signaling server named.
        local: This machine's addresses.
        may_be_near: Whether they may be in this machine's network, as the signaling server is. One
            on the internet must not have the PC knock at doors in its own network.
    """
    stun, turn = await asyncio.gather(
        _stun([parse(url) for url in access.stun[:MOST]], local, may_be_near=may_be_near),
        _turn([parse(url) for url in access.turn[:MOST]], may_be_near=may_be_near),
    )
    if turn is None or access.username is None or access.credential is None:
        return stun
    return replace(stun, turn=Turn(turn, access.username, access.credential))


async def resolve(host: str, port: int) -> list[str]:
    """Give the addresses of a name in the order to try them; none where it has none."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(address[0]) for *_, address in found))[:MOST]


async def _literals(server: Server, *, may_be_near: bool) -> list[Server]:
    addresses = await resolve(server.host, server.port)
    if not may_be_near:
        addresses = [address for address in addresses if not is_near(address)]
    if server.transport == "tls":  # the certificate is for the name
        return [server] if addresses else []
    # Their addresses, so that no offer waits for a name.
    return [replace(server, host=address) for address in addresses]


async def _stun(
    named: Sequence[Server | None], local: Sequence[str], *, may_be_near: bool
) -> IceServers:
    # aioice asks from IPv4 addresses only: with IPv6 nobody translates.
    mine = [address for address in local if ":" not in address][:MOST]
    for server in await _all(named, may_be_near=may_be_near):
        if ":" in server.host or server.transport != "udp":
            continue
        heard = await asyncio.gather(*(answers(server, address) for address in mine))
        asked_from = frozenset(a for a, did in zip(mine, heard, strict=True) if did)
        if asked_from:
            return IceServers(stun=server, stun_from=asked_from)
    return IceServers()


async def _turn(named: Sequence[Server | None], *, may_be_near: bool) -> Server | None:
    servers = await _all(named, may_be_near=may_be_near)
    servers.sort(key=lambda server: ORDER.index(server.transport))
    heard = await asyncio.gather(*map(answers, servers))
    return next((s for s, did in zip(servers, heard, strict=True) if did), None)


async def _all(named: Sequence[Server | None], *, may_be_near: bool) -> list[Server]:
    known = [server for server in named if server is not None]
    found = await asyncio.gather(*(_literals(s, may_be_near=may_be_near) for s in known))
    return [server for servers in found for server in servers]
