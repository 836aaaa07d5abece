"""The home that is attacked, all of it real but the model; and a VDS that lies about accounts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiortc import RTCCertificate

from gpu_peer.transports.certificate import load_certificate
from gpu_peer.transports.signaled_sessions import SignaledSessions
from gpu_peer.uuid7 import uuid7
from protocol.accounts import User
from protocol.signaling import Answer, Offer, Refusal, RoomPeer, SignalPosted
from tests.gpu_peer.support.house import House, a_house
from tests.gpu_peer.support.introducer import MemoryIntroducer
from tests.gpu_peer.support.trust import PrivateKey, public
from tests.gpu_peer.support.virtual_clock import VirtualClock
from tests.hostile.device import Declined


class Home:
    """Takes offers as the VDS hands them over, all of them in the name of the owner's account."""

    def __init__(self, house: House, certificate: RTCCertificate) -> None:
        self.house = house
        self.certificate = certificate
        self.sessions: list[str] = []
        """The person of each chat session that was opened."""

        self._watch = house.home.watch
        house.home.watch = self._open  # type: ignore[method-assign]  # a session's first act
        self._introducer = MemoryIntroducer()
        self._signaled = SignaledSessions(certificate, house.serving)

    @property
    def owner(self) -> str:
        return self.house.household.owner

    async def know(self, key: PrivateKey) -> None:
        """Have a device in the list, as the owner's."""
        now_ms = self.house.clock.wall_ms()
        await self.house.household.devices.register(public(key), "A phone", self.owner, now_ms)

    async def answer(self, offer: str) -> str:
        """Give the answer to an offer; `Declined` where there is none."""
        # Whoever holds the VDS says whose device it is: here always that it is the owner's.
        sender = RoomPeer(id=uuid7(), role="device", user=User(id=self.owner, name="Anna"))
        signals = self._introducer.join(sender.id)
        signal = Offer(connection="c1", sdp=offer)
        self._signaled.take(
            SignalPosted(room="room", sender=sender, signal=signal), self._introducer
        )
        async with asyncio.timeout(10):
            said = await signals.get()
        if isinstance(said, Refusal):
            raise Declined(said.code)
        assert isinstance(said, Answer)
        return said.sdp

    async def prompt(self) -> str:
        """Wait for what a person asked, as it reached the model."""
        async with asyncio.timeout(10):
            generation = await self.house.engine.submitted()
        return self.house.engine.prompts[generation][-1][1]

    async def has_hung_up(self) -> None:
        """Wait until no connection is open."""
        async with asyncio.timeout(10):
            while len(self._signaled):
                await asyncio.wait(tuple(self._signaled._tasks))

    async def close(self) -> None:
        await self._signaled.close()

    def _open(self, user: str, wake: Callable[[], None]) -> Callable[[], None]:
        self.sessions.append(user)
        return self._watch(user, wake)


@asynccontextmanager
async def a_home(folder: Path) -> AsyncIterator[Home]:
    """Give a home on a clock of its own, that nobody's time runs out on but the test's."""
    async with a_house(folder / "chats.sqlite3", VirtualClock()) as house:
        home = Home(house, load_certificate(folder))
        try:
            yield home
        finally:
            await home.close()
