"""Of the STUN and TURN servers that a signaling server names, those that answer here and now."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from gpu_peer.transports.ice_servers import NONE, Server, Turn, parse
from gpu_peer.transports.probe import answers
from gpu_peer.transports.road import is_near
from protocol.roads import RelayAccess

ORDER = ("udp", "tcp", "tls")
"""UDP first: over TCP one lost packet holds up all that follow."""

MOST = 8
"""Of whatever a server names, so many are looked at."""

T = TypeVar("T")


class Choice:
    """Which servers a connection may ask, as far as that is known by now."""

    def __init__(self) -> None:
        self.servers = NONE

    async def make(self, access: RelayAccess, local: Sequence[str], *, may_be_near: bool) -> None:
        """Ask all of them at once, and improve `servers` with each answer.

        What is known from before counts until its own probe has ended.

        Args:
            access: What the signaling server named.
            local: This machine's addresses.
            may_be_near: Whether they may be in this machine's network, as the signaling server is.
                One on the internet must not have the PC knock at doors in its own network.
        """
        await asyncio.gather(
            self._make_stun(access, local, may_be_near=may_be_near),
            self._make_turn(access, may_be_near=may_be_near),
        )

    async def _make_stun(
        self, access: RelayAccess, local: Sequence[str], *, may_be_near: bool
    ) -> None:
        # aioice asks from IPv4 addresses only: with IPv6 nobody translates.
        mine = [address for address in local if ":" not in address][:MOST]
        before = self.servers
        for server in await _parsed(access.stun, may_be_near=may_be_near):
            if ":" in server.host or server.transport != "udp":
                continue
            known = before.stun_from if server == before.stun else ()
            use = partial(self._use_stun, server)
            if await _ask(mine, partial(answers, server), known, use):
                return
        self.servers = replace(self.servers, stun=None, stun_from=frozenset())

    def _use_stun(self, server: Server, asked_from: list[str]) -> None:
        if asked_from:
            self.servers = replace(self.servers, stun=server, stun_from=frozenset(asked_from))

    async def _make_turn(self, access: RelayAccess, *, may_be_near: bool) -> None:
        username, credential = access.username, access.credential
        if username is None or credential is None:
            self.servers = replace(self.servers, turn=None)
            return

        def use(heard: list[Server]) -> None:
            turn = Turn(heard[0], username, credential) if heard else None
            self.servers = replace(self.servers, turn=turn)

        servers = await _parsed(access.turn, may_be_near=may_be_near)
        servers.sort(key=lambda server: ORDER.index(server.transport))
        known = self.servers.turn
        await _ask(servers, answers, [] if known is None else [known.server], use)


async def _ask(
    asked: Sequence[T],
    probe: Callable[[T], Awaitable[bool]],
    known: Collection[T],
    use: Callable[[list[T]], None],
) -> list[T]:
    """Ask all at once. Give those that answer in their order, and to `use` as soon as they do."""
    counts = {one: one in known for one in asked}

    def counting() -> list[T]:
        return [one for one, does in counts.items() if does]

    async def ask(one: T) -> None:
        counts[one] = await probe(one)
        use(counting())

    use(counting())
    await asyncio.gather(*map(ask, asked))
    return counting()


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


async def _parsed(urls: Sequence[str], *, may_be_near: bool) -> list[Server]:
    known = [server for url in urls[:MOST] if (server := parse(url)) is not None]
    found = await asyncio.gather(*(_literals(s, may_be_near=may_be_near) for s in known))
    return [server for servers in found for server in servers]
