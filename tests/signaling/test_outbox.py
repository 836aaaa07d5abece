"""One slow receiver costs nobody but itself."""

import asyncio
from typing import Any

from signaling.errors import Replaced
from signaling.websocket import SocketOutbox


class StuckSocket:
    """Takes messages, but none comes through until it is released."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.release = asyncio.Event()
        self.code: int | None = None

    async def send_frame(self, message: bytes, _kind: Any) -> None:
        await self.release.wait()
        self.sent.append(message)

    async def close(self, *, code: int) -> None:
        self.code = code


async def test_messages_are_sent_in_order_and_nothing_waits() -> None:
    socket: Any = StuckSocket()
    outbox = SocketOutbox(socket, 64, abort=lambda: None)
    for number in range(50):
        outbox.push(b"%d" % number)
    assert socket.sent == []
    socket.release.set()
    await outbox.finished()
    assert socket.sent == [b"%d" % number for number in range(50)]
    outbox.push(b"later")
    await outbox.finished()
    assert socket.sent[-1] == b"later"


async def test_who_does_not_read_is_cut_off() -> None:
    socket: Any = StuckSocket()
    cut: list[bool] = []
    outbox = SocketOutbox(socket, 4, abort=lambda: cut.append(True))
    for _ in range(4):
        outbox.push(b"x")
    assert not cut
    for _ in range(3):
        outbox.push(b"x")
    assert cut == [True]
    assert outbox.closing
    socket.release.set()
    await outbox.finished()


async def test_why_is_said_before_closing_and_nothing_after() -> None:
    socket: Any = StuckSocket()
    socket.release.set()
    outbox = SocketOutbox(socket, 4, abort=lambda: None)
    outbox.push(b"first")
    outbox.refuse(Replaced())
    outbox.push(b"after")
    outbox.refuse(Replaced())
    await outbox.finished()
    assert socket.sent[0] == b"first"
    assert [b'"replaced"' in message for message in socket.sent] == [False, True]
    assert socket.code == 1008
