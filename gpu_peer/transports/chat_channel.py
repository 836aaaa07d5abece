"""The one data channel that a connection is there for, on every road of WebRTC."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from aiortc import RTCDataChannel

from gpu_peer.transports.data_channel import DataChannel
from gpu_peer.trust.connect import Fingerprints

LABEL = "chat"
CLOSE_S = 1.0
"""So long what was said last may take to arrive."""

Serve = Callable[[DataChannel, Fingerprints], Awaitable[None]]


class ChatChannel:
    """Waits for the channel, and has the device at its other end served."""

    def __init__(self) -> None:
        self._opened: asyncio.Future[DataChannel] = asyncio.get_running_loop().create_future()

    def offered(self, channel: RTCDataChannel) -> None:
        """Take the channel, if it is the one. To be called as aiortc hands it out."""
        reliable = channel.maxRetransmits is None and channel.maxPacketLifeTime is None
        fits = channel.label == LABEL and channel.ordered and reliable
        if not fits or self._opened.done():
            channel.close()
            return
        self._opened.set_result(DataChannel(channel))

    def lost(self) -> None:
        """The connection is gone."""
        if not self._opened.done():
            self._opened.cancel()
        elif not self._opened.cancelled():
            self._opened.result().lost()

    async def wait(self) -> DataChannel:
        """Give the channel once it is open; cancelled where the connection goes before."""
        return await self._opened

    async def serve(self, serve: Serve, fingerprints: Fingerprints) -> None:
        """Have the device served, and close the open channel."""
        channel = self._opened.result()
        try:
            await serve(channel, fingerprints)
        finally:
            if not channel.is_cut:
                channel.close()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(CLOSE_S):
                        await channel.wait_closed()
