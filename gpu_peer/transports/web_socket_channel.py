"""A WebSocket on this very machine as a `Channel`: each binary message is a frame."""

import asyncio

from aiohttp import WSMsgType, web

from gpu_peer.errors import ChannelClosed
from gpu_peer.transports.framed_channel import BUFFERED_BYTES, FramedChannel
from protocol.limits import MESSAGE_BYTES


class WebSocketChannel(FramedChannel):
    """See `Channel`."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        """Take over a socket that is open; `transport` is what carries it."""
        super().__init__()
        self._socket = socket
        self._transport = transport
        self._is_closed = False
        transport.set_write_buffer_limits(high=BUFFERED_BYTES)

    async def read(self) -> None:
        """Take frames until the socket is closed, or brings more than is read."""
        async for message in self._socket:
            if message.type not in (WSMsgType.BINARY, WSMsgType.TEXT):
                break
            if not self._inbox.feed(message.data):
                break
        self.close()

    def close(self) -> None:
        """See `Channel`. Whoever holds the socket closes it then."""
        self._is_closed = True
        self._inbox.close()

    def cut(self) -> None:
        """See `Channel`."""
        self.is_cut = self._is_closed = True
        self._inbox.cut()
        self._transport.abort()

    async def _put(self, frame: bytes) -> None:
        if self._is_closed:
            raise ChannelClosed
        try:
            await self._socket.send_bytes(frame)
        except ConnectionError:
            raise ChannelClosed from None


def new_socket() -> web.WebSocketResponse:
    """Give a socket that is not open yet, and waits after each frame until it is nearly gone."""
    return web.WebSocketResponse(
        timeout=1.0, compress=False, max_msg_size=MESSAGE_BYTES, writer_limit=0
    )
