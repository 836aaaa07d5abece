"""Frames that came on a channel, joined to messages, waiting to be read."""

import asyncio
from collections import deque

from gpu_peer.errors import ChannelClosed
from protocol.errors import Malformed, ProtocolError
from protocol.framing import Joiner

CAPACITY_BYTES = 4 * 1024 * 1024
"""A device that sends so much more than is read is cut off: nothing here grows without bound."""

_OVERHEAD = 1024


class Inbox:
    """A queue of messages as bytes, and of errors in their place. Frames in, messages out."""

    def __init__(self) -> None:
        self._joiner = Joiner()
        self._items: deque[tuple[bytes | ProtocolError, int]] = deque()
        self._size = 0
        self._closed = False
        self._arrived = asyncio.Event()
        self.frames = 0

    def feed(self, frame: bytes | str) -> bool:
        """Take a frame; false when the inbox is full, and the channel is to be closed."""
        self.frames += 1
        item: bytes | ProtocolError
        cost = _OVERHEAD
        try:
            if isinstance(frame, str):
                raise Malformed("A frame is binary.")
            message = self._joiner.feed(frame)
            if message is None:
                return True
            cost += len(message)
            item = message
        except ProtocolError as error:
            item = error
        if self._size + cost > CAPACITY_BYTES:
            return False
        self._size += cost
        self._items.append((item, cost))
        self._arrived.set()
        return True

    async def take(self) -> bytes:
        """Give the next message.

        Raises:
            ProtocolError: in the place of what could not be joined.
            ChannelClosed: everything was read, and no more will come.
        """
        while not self._items:
            if self._closed:
                raise ChannelClosed
            self._arrived.clear()
            await self._arrived.wait()
        item, cost = self._items.popleft()
        self._size -= cost
        if isinstance(item, ProtocolError):
            raise item
        return item

    def close(self) -> None:
        """No more will come."""
        self._closed = True
        self._arrived.set()

    def cut(self) -> None:
        """No more will come, and what came is forgotten."""
        self._items.clear()
        self.close()
