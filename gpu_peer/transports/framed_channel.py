"""What the channels of all roads share: messages from frames, and one message after another."""

import asyncio
from typing import TypeVar

from gpu_peer.transports.channel import FromHome
from gpu_peer.transports.inbox import Inbox
from protocol import codec, framing, limits
from protocol.codec import Decoder

T = TypeVar("T")

BUFFERED_BYTES = limits.FRAME_BYTES
"""At most so much waits in the channel before the next frame is handed to it.

With 1 MB waiting a token needs 637 ms to pass, with 16 KB 42 ms.
"""


class FramedChannel:
    """See `Channel`. A road says how one frame goes out and how the channel ends."""

    def __init__(self) -> None:
        self.is_cut = False
        self._inbox = Inbox()
        self._sending = asyncio.Lock()

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
                await self._put(frame)

    async def receive(self, decoder: Decoder[T]) -> T:
        """See `Channel`."""
        return decoder.decode(await self._inbox.take())

    async def _put(self, frame: bytes) -> None:
        """Hand over a frame, once what was handed over before it is nearly gone.

        Raises:
            ChannelClosed: the other end is gone.
        """
        raise NotImplementedError
