"""A WebRTC data channel as a `Channel`."""

import asyncio
from typing import TypeVar

from aiortc import RTCDataChannel

from gpu_peer.errors import ChannelClosed
from gpu_peer.transports.channel import FromHome
from gpu_peer.transports.inbox import Inbox
from protocol import codec, framing, limits
from protocol.codec import Decoder

T = TypeVar("T")

BUFFERED_BYTES = limits.FRAME_BYTES
"""At most so much waits in the channel before the next frame is handed to it.

With 1 MB waiting a token needs 637 ms to pass, with 16 KB 42 ms.
"""


class DataChannel:
    """See `Channel`. To be made in the very callback that hands out the aiortc channel."""

    def __init__(self, channel: RTCDataChannel) -> None:
        self._channel = channel
        self.is_cut = False
        self._inbox = Inbox()
        self._sending = asyncio.Lock()
        self._room = asyncio.Event()
        self._ended = asyncio.Event()
        channel.bufferedAmountLowThreshold = BUFFERED_BYTES
        channel.on("message", self._on_message)
        channel.on("bufferedamountlow", self._room.set)
        channel.on("close", self.lost)

    @property
    def frames_received(self) -> int:
        """See `Channel`."""
        return self._inbox.frames

    async def send(self, message: FromHome) -> None:
        """See `Channel`."""
        frames = framing.split(codec.encode(message))
        # One message at a time: frames of two must not be mixed.
        async with self._sending:
            for frame in frames:
                while self._open and self._channel.bufferedAmount > BUFFERED_BYTES:
                    self._room.clear()
                    await self._room.wait()
                if not self._open:
                    raise ChannelClosed
                self._channel.send(frame)

    async def receive(self, decoder: Decoder[T]) -> T:
        """See `Channel`."""
        return decoder.decode(await self._inbox.take())

    def close(self) -> None:
        """See `Channel`."""
        self._inbox.close()
        self._room.set()
        self._channel.close()

    def cut(self) -> None:
        """See `Channel`. `is_cut` says so to whoever holds the connection, and is to end it."""
        self.is_cut = True
        self._inbox.cut()
        self._room.set()

    def lost(self) -> None:
        """Note that the channel is closed, by either end or with its connection."""
        self._inbox.close()
        self._room.set()
        self._ended.set()

    async def wait_closed(self) -> None:
        """Wait until both ends know that the channel is closed."""
        await self._ended.wait()

    @property
    def _open(self) -> bool:
        return not self.is_cut and self._channel.readyState == "open"

    def _on_message(self, frame: bytes | str) -> None:
        if not self._inbox.feed(frame):
            self.close()
