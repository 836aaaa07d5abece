"""The control socket: programs of the same user ask what the owner may ask, at the PC itself."""

import hmac
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from gpu_peer.local.gate import refuse
from gpu_peer.logs import describe
from protocol import codec
from protocol.errors import Malformed, ProtocolError
from protocol.household import Reply, Request
from protocol.limits import MESSAGE_BYTES

HEARTBEAT_S = 20.0
CLOSE_WAIT_S = 1.0
_REASON_BYTES = 123
"""RFC 6455, section 5.5: so much is left of a control frame after the code."""

log = structlog.get_logger()


class Desk(Protocol):
    """Where a connection's requests are carried out."""

    async def take(self, request: Request) -> None:
        """Carry it out; the replies go the way that the desk was opened with."""

    def close(self) -> None:
        """The connection has ended."""


Send = Callable[[Reply], Awaitable[None]]
OpenDesk = Callable[[Send], Desk]


class Control:
    """The handler of `/control`; each connection has a desk of its own."""

    def __init__(self, token: str, open_desk: OpenDesk) -> None:
        self._expected = f"Bearer {token}".encode()
        self._open_desk = open_desk
        self._sockets: set[web.WebSocketResponse] = set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """GET /control, a WebSocket (RFC 6455) of household messages as JSON text."""
        if "Origin" in request.headers:  # every browser sends it, no program has to
            return refuse(403, "No page may speak here.")
        said = request.headers.get("Authorization", "").encode(errors="surrogateescape")
        if not hmac.compare_digest(said, self._expected):
            return refuse(401, "The token is wrong. It is in the home's data folder.")
        socket = web.WebSocketResponse(
            timeout=CLOSE_WAIT_S,
            heartbeat=HEARTBEAT_S,
            compress=False,
            max_msg_size=MESSAGE_BYTES,
        )
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            await self._converse(socket)
        finally:
            self._sockets.discard(socket)
        return socket

    async def close(self, _app: web.Application) -> None:
        """Tell everybody that the home ends."""
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    async def _converse(self, socket: web.WebSocketResponse) -> None:
        async def send(reply: Reply) -> None:
            with suppress(ConnectionError):  # the program has gone
                await socket.send_str(codec.encode(reply).decode())

        desk = self._open_desk(send)
        try:
            async for frame in socket:
                if frame.type != WSMsgType.TEXT:
                    raise Malformed("A message here is text.")
                await desk.take(codec.request.decode(frame.data))
        except ProtocolError as why:
            await socket.close(
                code=WSCloseCode.POLICY_VIOLATION, message=str(why).encode()[:_REASON_BYTES]
            )
        except Exception as error:
            log.error("control_failed", **describe(error))
            await socket.close(code=WSCloseCode.INTERNAL_ERROR)
        finally:
            desk.close()
