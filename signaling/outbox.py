"""What waits to be sent on one socket: a queue with a bound and, while it holds something, a task.

An idle socket has no task, which is a good part of what an idle socket costs.
"""

import asyncio
import contextlib
from collections.abc import Callable

from aiohttp import ClientConnectionResetError, WSCloseCode, WSMsgType, web

from protocol import codec
from protocol.errors import ProtocolError
from protocol.signaling import SignalingError
from signaling.errors import Refused

_CLOSE_CODES: dict[str, int] = {
    "too_large": WSCloseCode.MESSAGE_TOO_BIG,
    "too_many_connections": WSCloseCode.TRY_AGAIN_LATER,
    "internal": WSCloseCode.INTERNAL_ERROR,
    "storage_failed": WSCloseCode.INTERNAL_ERROR,
}


def error_message(why: Refused | ProtocolError) -> bytes:
    """Encode what a client is told when something is refused."""
    retry_after_s = why.retry_after_s if isinstance(why, Refused) else None
    return codec.encode(
        SignalingError(code=why.code, message=str(why), retry_after_s=retry_after_s)
    )


class Outbox:
    """Sends to one socket, in order, without making anybody wait."""

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
        """Whether nothing more will be sent."""
        return self._closing is not None

    def push(self, message: bytes) -> None:
        """Queue a message. A receiver that lets `bound` of them pile up is cut off."""
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
        """Say why, then close."""
        self.push(error_message(why))
        self._close(_CLOSE_CODES.get(why.code, WSCloseCode.POLICY_VIOLATION))

    def go_away(self) -> None:
        """Close, since the server ends."""
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
