"""Signaling over a WebSocket."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Literal

from aiohttp import ClientConnectionResetError, WSCloseCode, WSMessage, WSMsgType, web
from aiohttp.http import WSMessageTextBytes

from protocol.errors import ProtocolError, TooLarge
from protocol.limits import SIGNALING_BYTES
from signaling.config import Settings
from signaling.errors import NotAuthenticated, Refused
from signaling.http.client import client_key, is_from_page
from signaling.hub import Hub, Seat
from signaling.outbox import error_message

Frame = WSMessage | WSMessageTextBytes

_CLOSE_WAIT_S = 1.0
_RECEIVE = (WSMsgType.TEXT, WSMsgType.BINARY)
_CLOSE_CODES: dict[str, int] = {
    "too_large": WSCloseCode.MESSAGE_TOO_BIG,
    "too_many_connections": WSCloseCode.TRY_AGAIN_LATER,
    "internal": WSCloseCode.INTERNAL_ERROR,
    "storage_failed": WSCloseCode.INTERNAL_ERROR,
}


class Socket(web.WebSocketResponse[Literal[False]]):
    """A WebSocket that says why before it closes on a message that is too large."""

    async def close(
        self, *, code: int = WSCloseCode.OK, message: bytes = b"", drain: bool = True
    ) -> bool:
        """Close. aiohttp calls this itself when a frame's header promises too much."""
        if code == WSCloseCode.MESSAGE_TOO_BIG and not self.closed:
            why = TooLarge(f"A message holds at most {SIGNALING_BYTES} bytes. Send less at once.")
            await self.send_frame(error_message(why), WSMsgType.TEXT)
        return await super().close(code=code, message=message, drain=drain)


class SocketOutbox:
    """Implements `Outbox`: a queue with a bound and, while it holds something, a task.

    An idle socket has no task, which is a good part of what an idle socket costs.
    """

    __slots__ = ("_abort", "_bound", "_closing", "_flushing", "_queue", "_socket")

    def __init__(
        self, socket: "web.WebSocketResponse[bool]", bound: int, abort: Callable[[], None]
    ) -> None:
        self._socket = socket
        self._bound = bound
        self._abort = abort
        self._queue: list[bytes] = []
        self._flushing: asyncio.Task[None] | None = None
        self._closing: int | None = None

    @property
    def closing(self) -> bool:
        """See `Outbox`."""
        return self._closing is not None

    def push(self, message: bytes) -> None:
        """See `Outbox`."""
        if self.closing:
            return
        if len(self._queue) >= self._bound:
            self._closing = WSCloseCode.ABNORMAL_CLOSURE
            self._queue.clear()
            self._abort()
            return
        self._queue.append(message)
        self._wake()

    def refuse(self, why: Refused | ProtocolError) -> None:
        """See `Outbox`."""
        self.push(error_message(why))
        self._close(_CLOSE_CODES.get(why.code, WSCloseCode.POLICY_VIOLATION))

    def go_away(self) -> None:
        """See `Outbox`."""
        self._close(WSCloseCode.GOING_AWAY)

    async def finished(self) -> None:
        """Wait until what is queued is sent and the socket closed, where that was asked for."""
        if self._flushing:
            await asyncio.wait([self._flushing])

    def _close(self, code: int) -> None:
        if not self.closing:
            self._closing = code
            self._wake()

    def _wake(self) -> None:
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        try:
            with contextlib.suppress(ClientConnectionResetError, ConnectionError):
                while self._queue:
                    batch, self._queue = self._queue, []
                    for message in batch:
                        await self._socket.send_frame(message, WSMsgType.TEXT)
                if self._closing is not None:
                    await self._socket.close(code=self._closing)
        finally:
            self._flushing = None


class Sockets:
    """The handler of `/api/signaling`."""

    def __init__(self, settings: Settings, hub: Hub) -> None:
        self._settings = settings
        self._hub = hub

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one socket from its opening to its end.

        Raises:
            OriginRefused: a page that is not ours opens it.
            TooManyConnections: the address holds as many as it may.
        """
        from_page = is_from_page(request, self._settings)
        address = client_key(request, self._settings)
        socket = Socket(
            timeout=_CLOSE_WAIT_S,
            heartbeat=self._settings.heartbeat_s,
            compress=False,
            max_msg_size=SIGNALING_BYTES + 1,  # aiohttp refuses what reaches it
            decode_text=False,
        )
        outbox = SocketOutbox(socket, self._settings.limit_send_queue, _abort(request))
        self._hub.open(address, outbox)
        try:
            await socket.prepare(request)
            await self._converse(socket, outbox, from_page=from_page)
        finally:
            self._hub.shut(address, outbox)
        await outbox.finished()
        return socket

    async def _converse(self, socket: Socket, outbox: SocketOutbox, *, from_page: bool) -> None:
        seat: Seat | None = None
        with self._hub.explain(outbox):
            try:
                first = await self._first(socket)
                seat = await self._hub.enter(outbox, first, from_page=from_page)
                while (frame := await socket.receive()).type in _RECEIVE and not outbox.closing:
                    await self._hub.take(seat, _text(frame))
            finally:
                if seat:
                    self._hub.leave(seat)

    async def _first(self, socket: Socket) -> bytes | None:
        try:
            frame = await socket.receive(timeout=self._settings.authenticate_within_s)
        except TimeoutError:
            raise NotAuthenticated from None
        if frame.type not in _RECEIVE:
            raise NotAuthenticated
        return _text(frame)


def _text(frame: Frame) -> bytes | None:
    data = frame.data if frame.type is WSMsgType.TEXT else None
    return data if isinstance(data, bytes) else None


def _abort(request: web.Request) -> Callable[[], None]:
    def abort() -> None:
        if request.transport is not None:
            request.transport.abort()

    return abort
