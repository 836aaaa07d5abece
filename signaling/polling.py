"""Signaling in turns of requests, for networks that let no WebSocket through.

The server's messages are numbered from 0 and kept until the client asks for those after them, so
an answer that was lost is asked for again. The client's are numbered alike: what it repeats, since
it cannot know whether it arrived, is passed over. So each message comes once and in order.
"""

import asyncio
import contextlib

from protocol.errors import Malformed, ProtocolError
from signaling.errors import Refused
from signaling.outbox import error_message


class Poll:
    """Implements `Outbox` for a client that asks for what there is."""

    __slots__ = ("_asking", "_bound", "_first", "_kept", "_taken", "closed")

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._kept: list[bytes] = []
        self._first = 0
        self._taken = 0
        self._asking: asyncio.Future[None] | None = None
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def closing(self) -> bool:
        """See `Outbox`."""
        return self.closed.done()

    @property
    def is_done(self) -> bool:
        """Whether it is closed, and the client has everything that was said before."""
        return self.closing and not self._kept

    def push(self, message: bytes) -> None:
        """See `Outbox`."""
        if self.closing:
            return
        if len(self._kept) >= self._bound:
            self._kept.clear()
            self.go_away()
            return
        self._kept.append(message)
        self._wake()

    def refuse(self, why: Refused | ProtocolError) -> None:
        """See `Outbox`."""
        self.push(error_message(why))
        self.go_away()

    def go_away(self) -> None:
        """See `Outbox`."""
        if not self.closing:
            self.closed.set_result(None)
            self._wake()

    async def ask(self, after: int, patience_s: float) -> list[bytes]:
        """Forget the messages before number `after`, which the client has, and give the others.

        Waits for one where there is none, but not beyond `patience_s` seconds, nor when the client
        asks again meanwhile: then nobody waits for this answer any more.

        Raises:
            Malformed: the client has had a later one already, or there is no such number yet.
        """
        if self.is_done:
            return []
        had = after - self._first
        if not 0 <= had <= len(self._kept):
            raise Malformed("There is no message of that number here.")
        del self._kept[:had]
        self._first = after
        if not self._kept and not self.closing:
            await self._wait(patience_s)
        return list(self._kept) if self._first == after else []

    def fresh(self, messages: list[bytes], number: int | None) -> list[bytes]:
        """Give those of the client's messages that were not taken before.

        `number` is that of the first of them; None: the client does not count, and all are fresh.

        Raises:
            Malformed: a message is missing between.
        """
        known = 0 if number is None else self._taken - number
        if known < 0:
            raise Malformed("A message before these is missing.")
        return messages[known:]

    def count(self) -> None:
        """One more message of the client was taken."""
        self._taken += 1

    async def _wait(self, patience_s: float) -> None:
        self._wake()
        self._asking = asking = asyncio.get_running_loop().create_future()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await asking

    def _wake(self) -> None:
        if self._asking and not self._asking.done():
            self._asking.set_result(None)
