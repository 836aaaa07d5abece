"""The PC's end of one channel, which the scheduler carries."""

import asyncio
import itertools
from collections.abc import Callable
from typing import TypeVar

from gpu_peer.errors import ChannelClosed
from gpu_peer.transports.channel import FromHome
from protocol import codec

T = TypeVar("T")

BUFFERED = 8
"""So many messages are on their way to a device before whoever sends one has to wait."""


class Line:
    """The PC's end of one channel. What it sends is handed to `out`."""

    def __init__(
        self, number: int, out: Callable[[int, bytes], None], end: Callable[[], None]
    ) -> None:
        self._number = number
        self._out = out
        self._on_end = end
        self._heard: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._beats = itertools.count()
        self._room = asyncio.Semaphore(BUFFERED)
        self.over = False

    @property
    def frames_received(self) -> int:
        """A device that is there is never silent: what cuts it off is the scheduler."""
        return next(self._beats)

    async def send(self, message: FromHome) -> None:
        if not self.over:
            await self._room.acquire()
        if self.over:
            raise ChannelClosed
        self._out(self._number, codec.encode(message))

    async def receive(self, decoder: codec.Decoder[T]) -> T:
        message = await self._heard.get()
        if message is None or self.over:
            raise ChannelClosed
        return decoder.decode(message)

    def close(self) -> None:
        if not self.over:
            self.cut()
            self._on_end()

    def cut(self) -> None:
        """Both ends are gone: nothing that is under way arrives."""
        self.over = True
        self._heard.put_nowait(None)
        self._room.release()

    def hear(self, message: bytes) -> None:
        self._heard.put_nowait(message)

    def drain(self, count: int) -> None:
        """The device took so many messages."""
        for _ in range(count):
            self._room.release()
