"""A device that does what the app does: no word of a chat before the home has proved itself."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from aiortc import RTCCertificate

from gpu_peer.uuid7 import uuid7
from protocol import VERSION, base64url, codec
from protocol.base import Message
from protocol.chat import CreateChat, Hello, SendMessage
from protocol.errors import ErrorCode, ProtocolError
from protocol.framing import Joiner, split
from protocol.transcript import key_id
from protocol.trust import Bound, Challenge, FromHome, PairAccept, Paired, PairOffer, TrustError
from tests.gpu_peer.support.trust import HOME, DeviceEnd, PrivateKey, p256
from tests.hostile.ledger import Direction, Ledger
from tests.hostile.legs import Caller, Carry

PHONE = p256("phone")
PRIVATE = "The quokka lives in Zanzibar."


class Declined(Exception):
    """The other end will not open this connection, says the VDS."""

    def __init__(self, code: ErrorCode) -> None:
        self.code = code


@dataclass(frozen=True)
class End:
    """How it ended. `timeout`: nobody answered, or the line was lost; the app tries again."""

    state: Literal["bound", "paired", "attack", "refused", "timeout"]
    code: ErrorCode | None = None


BOUND = End("bound")
PAIRED = End("paired")
ATTACK = End("attack")
TIMEOUT = End("timeout")


def refused(code: ErrorCode) -> End:
    return End("refused", code)


class Device:
    """One connection of a browser, over a real data channel."""

    def __init__(
        self,
        key: PrivateKey = PHONE,
        certificate: RTCCertificate | None = None,
        home_key: bytes = HOME.key,
    ) -> None:
        self.said = Ledger()
        self._key, self._home_key = key, home_key
        self._leg = Caller(certificate)
        self._leg.on_frame = self._hear
        self._leg.on_lost = self.run_out_of_time
        self._joiner = Joiner()
        self._heard: asyncio.Queue[FromHome | ProtocolError | None] = asyncio.Queue()

    async def connect(self, road: Carry) -> End:
        """Connect, prove who is who, and only then say hello and something private."""
        return await self._talk(road, self._prove)

    async def pair(self, road: Carry, secret: bytes, home_id: str | None = None) -> End:
        """Pair by a secret; after a QR the home's id is known too."""

        async def by_secret(end: DeviceEnd) -> End:
            end.secret = secret
            return await self._pair(end, home_id)

        return await self._talk(road, by_secret)

    async def _talk(self, road: Carry, talk: Callable[[DeviceEnd], Awaitable[End]]) -> End:
        async with asyncio.timeout(20):
            try:
                await self._leg.call(road)
                return await talk(await self._first_end())
            except Declined as declined:
                return refused(declined.code)
            except ProtocolError as error:
                return refused(error.code)
            except TimeoutError:
                return TIMEOUT

    def run_out_of_time(self) -> None:
        """The five seconds are over, or the line is."""
        self._heard.put_nowait(None)

    async def close(self) -> None:
        await self._leg.close()

    async def _first_end(self) -> DeviceEnd:
        fingerprints = self._leg.fingerprints()
        opening = asyncio.ensure_future(self._leg.opened.wait())
        dying = asyncio.ensure_future(self._heard.get())
        await asyncio.wait((opening, dying), return_when=asyncio.FIRST_COMPLETED)
        dying.cancel()
        if not opening.done():
            opening.cancel()
            raise TimeoutError
        return DeviceEnd(self._key, fingerprints, os.urandom(32), self._home_key)

    async def _prove(self, end: DeviceEnd) -> End:
        self._say(end.introduce())
        challenge = await self._next()
        if not isinstance(challenge, Challenge):
            return refused(challenge.code if isinstance(challenge, TrustError) else "malformed")
        try:
            proof = end.prove(challenge)
        except AssertionError:
            self._leg.hang_up()
            return ATTACK
        self._say(proof)
        bound = await self._next()
        if not isinstance(bound, Bound):
            return refused(bound.code if isinstance(bound, TrustError) else "malformed")
        self._converse()
        return BOUND

    async def _pair(self, end: DeviceEnd, home_id: str | None) -> End:
        self._say(end.request())
        offer = await self._next()
        if not isinstance(offer, PairOffer):
            return refused(offer.code if isinstance(offer, TrustError) else "malformed")
        if home_id not in (None, key_id(base64url.from_text(offer.key))):
            return ATTACK
        self._say(end.reveal(offer))
        accept = await self._next()
        if not isinstance(accept, PairAccept):
            return refused(accept.code if isinstance(accept, TrustError) else "malformed")
        try:
            self._say(end.confirm(accept))
        except AssertionError:
            return ATTACK
        last = await self._next()
        return PAIRED if isinstance(last, Paired) else refused("malformed")

    def _converse(self) -> None:
        chat = uuid7()
        self._say(Hello(version=VERSION, after=0))
        self._say(CreateChat(id=uuid7(), chat=chat, title=PRIVATE))
        self._say(SendMessage(id=uuid7(), chat=chat, message=uuid7(), text=PRIVATE))

    async def _next(self) -> FromHome:
        message = await self._heard.get()
        if message is None:
            raise TimeoutError
        if isinstance(message, ProtocolError):
            raise message
        return message

    def _say(self, message: Message) -> None:
        for frame in split(codec.encode(message)):
            self.said.hear(Direction.TO_HOME, frame)
            self._leg.say(frame)

    def _hear(self, frame: bytes | str) -> None:
        try:
            joined = self._joiner.feed(frame if isinstance(frame, bytes) else b"")
            if joined is not None:
                self._heard.put_nowait(codec.trust_from_home.decode(joined))
        except ProtocolError as error:
            self._heard.put_nowait(error)
