"""What aiortc takes for an ICE connection of aioice, on paths that the agent has chosen."""

import asyncio
from collections import deque
from collections.abc import Callable

from aioice.candidate import Candidate
from aioice.ice import ConnectionClosed

from gpu_peer.transports.lan.agent import Path

MAX_WAITING = 2048
"""Datagrams that wait to be read; more are lost, as datagrams may be."""


class LiteConnection:
    """The part of `aioice.Connection` that `RTCIceTransport` uses; see there for the names."""

    ice_controlling = False
    remote_is_lite = False
    remote_username: str | None = None
    remote_password: str | None = None

    def __init__(self, send: Callable[[Path, bytes], None]) -> None:
        self._send_by = send
        self._path: Path | None = None
        self._waiting: deque[bytes] = deque()
        self._arrived = asyncio.Event()
        self._connected = asyncio.Event()
        self._closed = asyncio.Event()

    @property
    def remote_candidates(self) -> list[Candidate]:
        """None: the other end's addresses are learned from its checks."""
        return []

    def use(self, path: Path) -> None:
        """Send by this path from now on."""
        self._path = path
        self._connected.set()

    def deliver(self, data: bytes) -> None:
        """Have this datagram received."""
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append(data)
            self._arrived.set()

    def lost(self) -> None:
        """It is over: whoever waits here is told."""
        self._closed.set()
        self._connected.set()
        self._arrived.set()

    async def connect(self) -> None:
        """Wait until the other end has nominated a path.

        Raises:
            ConnectionError: it is over.
        """
        await self._connected.wait()
        if self._closed.is_set():
            raise ConnectionError

    async def recv(self) -> bytes:
        """Wait for a datagram.

        Raises:
            ConnectionError: it is over.
        """
        while not self._waiting:
            if self._closed.is_set():
                raise ConnectionError
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()

    async def send(self, data: bytes) -> None:
        """Send a datagram.

        Raises:
            ConnectionError: it is over.
        """
        if self._closed.is_set() or self._path is None:
            raise ConnectionError
        self._send_by(self._path, data)

    async def get_event(self) -> ConnectionClosed:
        """Wait for the end."""
        await self._closed.wait()
        return ConnectionClosed()

    async def close(self) -> None:
        """End it from this side."""
        self.lost()
