"""A WebRTC data channel as a `Channel`."""

import asyncio

from aiortc import RTCDataChannel

from gpu_peer.errors import ChannelClosed
from gpu_peer.transports.framed_channel import BUFFERED_BYTES, FramedChannel


class DataChannel(FramedChannel):
    """See `Channel`. To be made in the very callback that hands out the aiortc channel."""

    def __init__(self, channel: RTCDataChannel) -> None:
        super().__init__()
        self._channel = channel
        self._room = asyncio.Event()
        self._ended = asyncio.Event()
        channel.bufferedAmountLowThreshold = BUFFERED_BYTES
        channel.on("message", self._on_message)
        channel.on("bufferedamountlow", self._room.set)
        channel.on("close", self.lost)

    def close(self) -> None:
        """See `Channel`."""
        self._inbox.close()
        self._room.set()
        if not self._ended.is_set():  # aiortc would go on saying goodbye to nobody
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

    async def _put(self, frame: bytes) -> None:
        while self._open and self._channel.bufferedAmount > BUFFERED_BYTES:
            self._room.clear()
            await self._room.wait()
        if not self._open:
            raise ChannelClosed
        self._channel.send(frame)

    @property
    def _open(self) -> bool:
        return not self.is_cut and self._channel.readyState == "open"

    def _on_message(self, frame: bytes | str) -> None:
        if not self._inbox.feed(frame):
            self.close()
