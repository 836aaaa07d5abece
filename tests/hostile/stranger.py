"""Ends that follow no protocol: they say what they are told to."""

import asyncio

from aiortc import RTCCertificate

from protocol import codec
from protocol.base import Message
from protocol.framing import Joiner, split
from protocol.trust import FromHome
from tests.hostile.legs import Callee, Caller, Carry


class Stranger:
    """Calls a home, and says to it whatever the test likes."""

    def __init__(self, certificate: RTCCertificate | None = None) -> None:
        self.leg = Caller(certificate)
        self.leg.on_frame = self._hear
        self.leg.on_lost = lambda: self._heard.put_nowait(None)
        self._joiner = Joiner()
        self._heard: asyncio.Queue[FromHome | None] = asyncio.Queue()

    async def call(self, home: Carry) -> None:
        await self.leg.call(home)

    def say(self, *messages: Message) -> None:
        for message in messages:
            for frame in split(codec.encode(message)):
                self.leg.say(frame)

    async def next(self) -> FromHome | None:
        """Wait for what the home says of trust; None once it has hung up."""
        async with asyncio.timeout(10):
            return await self._heard.get()

    async def close(self) -> None:
        await self.leg.close()

    def _hear(self, frame: bytes | str) -> None:
        assert isinstance(frame, bytes)
        if (joined := self._joiner.feed(frame)) is not None:
            self._heard.put_nowait(codec.trust_from_home.decode(joined))


class Pretender:
    """Is called in the home's place, and says these frames, one for each that it hears."""

    def __init__(
        self, frames: list[bytes | str], certificate: RTCCertificate | None = None
    ) -> None:
        self.heard: list[bytes | str] = []
        self._frames = list(frames)
        self.leg = Callee(certificate)
        self.leg.on_frame = self._hear

    async def answer(self, offer: str) -> str:
        return await self.leg.answer(offer)

    async def close(self) -> None:
        await self.leg.close()

    def _hear(self, frame: bytes | str) -> None:
        self.heard.append(frame)
        if self._frames:
            self.leg.say(self._frames.pop(0))
