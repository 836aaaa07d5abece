"""The WebSocket to a signaling server (RFC 6455), as a `Link`."""

import asyncio

import aiohttp
import structlog

from protocol import codec, limits
from protocol.signaling import Authenticate, ToVds

PATH = "/api/signaling"
OPEN_S = 10.0
"""So long may opening the socket take."""

PING_S = 15.0
"""A ping each so many seconds; half of that later without a pong the socket is given up."""

log = structlog.get_logger()


class SocketLink:
    """See `Link`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, message: ToVds) -> None:
        """See `Link`."""
        await self._socket.send_str(codec.encode(message).decode())

    async def receive(self) -> str | bytes | None:
        """See `Link`."""
        frame = await self._socket.receive()
        if frame.type is aiohttp.WSMsgType.TEXT:
            return str(frame.data)
        log.info("signaling_closed", code=self._socket.close_code)
        return None

    async def close(self) -> None:
        """See `Link`."""
        await self._socket.close()


async def open_socket(http: aiohttp.ClientSession, server: str, hello: Authenticate) -> SocketLink:
    """Open the socket and hand the token over.

    Raises:
        OSError: there is no server, or nothing came back in time.
        aiohttp.ClientError: likewise; `ClientConnectorError` where there is no server at all.
    """
    async with asyncio.timeout(OPEN_S):
        socket = await http.ws_connect(
            server + PATH, heartbeat=PING_S, max_msg_size=2 * limits.SIGNALING_BYTES
        )
        link = SocketLink(socket)
        await link.send(hello)
        return link
