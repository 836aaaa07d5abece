"""The PC's UDP port in its own network: sockets around the agent, and a session for each dial."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self

import structlog
from aiortc import RTCCertificate

from gpu_peer.clock import Clock
from gpu_peer.transports.chat_channel import Serve
from gpu_peer.transports.lan.addresses import Addresses, local_addresses
from gpu_peer.transports.lan.agent import (
    Agent,
    Answer,
    Begin,
    Credentials,
    Deliver,
    Effect,
    End,
    Key,
    Limits,
    Path,
    Use,
)
from gpu_peer.transports.lan.connection import LiteConnection
from gpu_peer.transports.lan.session import LanSession
from gpu_peer.transports.lan.sockets import Sockets

TICK_S = 1.0
LOOK_S = 3.0
"""So often the system is asked whether the addresses have changed."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Reachable:
    """Where the PC can be dialed now."""

    addresses: tuple[str, ...]
    port: int


Moved = Callable[[Reachable | None], Awaitable[None]]
"""Told at the start and after each change; None where nothing can be listened on."""


class LanListener:
    """Listens until it is closed. Connections live on while their addresses do."""

    def __init__(
        self,
        credentials: Credentials,
        certificate: RTCCertificate,
        serve: Serve,
        clock: Clock,
        wanted_port: int,
        moved: Moved,
        addresses: Addresses = local_addresses,
        limits: Limits | None = None,
    ) -> None:
        """Prepare.

        Args:
            credentials: Who may dial.
            certificate: The PC's own.
            serve: Finds out who it is and talks to the device until the channel is closed.
            clock: The time.
            wanted_port: Of UDP; where it is taken, another is found.
            moved: Told where the PC is.
            addresses: Asks the system for its own.
            limits: How much there may be.
        """
        self._agent = Agent(credentials, limits)
        self._certificate = certificate
        self._serve = serve
        self._clock = clock
        self._moved = moved
        self._ask = addresses
        self._sockets = Sockets(wanted_port, self._received)
        self._reachable: Reachable | None = None
        self._dials: dict[Key, tuple[LiteConnection, asyncio.Task[None]]] = {}
        self._chores: list[asyncio.Task[None]] = []

    def __len__(self) -> int:
        return len(self._dials)

    @property
    def remembered(self) -> int:
        """See `Agent`."""
        return self._agent.remembered

    async def open(self) -> Self:
        """Begin to listen. That nothing can be listened on is no error: it is tried again."""
        await self._look()
        self._chores = [
            asyncio.ensure_future(self._every(LOOK_S, self._look)),
            asyncio.ensure_future(self._every(TICK_S, self._tick)),
        ]
        return self

    async def close(self) -> None:
        """Cut every connection, wait until they are gone, and listen no more."""
        tasks = [*self._chores, *(task for _, task in self._dials.values())]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._sockets.close()

    def _received(self, data: bytes, path: Path) -> None:
        self._do(self._agent.receive(data, path, self._clock.now_s()))

    def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Answer(path, data):
                    self._sockets.send(path, data)
                case Begin(key):
                    connection = LiteConnection(self._sockets.send)
                    task = asyncio.ensure_future(self._run(key, connection))
                    self._dials[key] = (connection, task)
                case Use(key, path) if key in self._dials:
                    self._dials[key][0].use(path)
                case Deliver(key, data) if key in self._dials:
                    self._dials[key][0].deliver(data)
                case End(key) if key in self._dials:
                    self._dials[key][0].lost()
                case _:
                    pass  # of a connection that has said nothing yet

    async def _run(self, key: Key, connection: LiteConnection) -> None:
        session = LanSession(connection, self._certificate, self._serve)
        try:
            await session.open()
            self._agent.opened(key)
            await session.run()
        finally:
            try:
                await session.close()
            finally:
                self._agent.end(key, self._clock.now_s())
                del self._dials[key]
                log.debug("lan_connection_ended", open=len(self._dials))

    async def _every(self, wait_s: float, act: Callable[[], Awaitable[None]]) -> None:
        while True:
            await self._clock.sleep(wait_s)
            await act()

    async def _tick(self) -> None:
        self._do(self._agent.tick(self._clock.now_s()))

    async def _look(self) -> None:
        with contextlib.suppress(OSError):  # the system could not say: nothing has changed
            for address in await self._sockets.follow(self._ask()):
                self._agent.lose(address)
        port, addresses = self._sockets.port, tuple(self._sockets.addresses)
        reachable = Reachable(addresses, port) if addresses and port is not None else None
        if reachable != self._reachable:
            log.info("lan_ready", port=port, addresses=len(addresses))
            self._reachable = reachable
            await self._moved(reachable)
