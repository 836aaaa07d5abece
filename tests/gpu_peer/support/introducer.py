"""A signaling server in memory, which only carries what the home says to its peers."""

import asyncio

from gpu_peer.transports.ice_servers import NONE, IceServers
from protocol.signaling import Signal


class MemoryIntroducer:
    """See `Introducer`. A peer's signals wait in a queue of its own."""

    def __init__(self, servers: IceServers = NONE) -> None:
        self.servers = servers
        self.failures = 0
        self.vouched: asyncio.Queue[str] = asyncio.Queue()
        self._peers: dict[str, asyncio.Queue[Signal]] = {}

    def join(self, peer: str) -> asyncio.Queue[Signal]:
        return self._peers.setdefault(peer, asyncio.Queue())

    async def post(self, _room: str, peer: str, signal: Signal) -> None:
        self._peers[peer].put_nowait(signal)

    async def vouch(self, room: str) -> None:
        self.vouched.put_nowait(room)

    def ice_servers(self) -> IceServers:
        return self.servers

    def relay_failed(self) -> None:
        self.failures += 1
