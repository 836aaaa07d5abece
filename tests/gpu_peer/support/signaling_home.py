"""A home as a signaling server sees it, with recorded signals and virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gpu_peer.clock import Clock
from gpu_peer.transports.alarm import Alarm
from gpu_peer.transports.introducer import Introducer
from gpu_peer.transports.relay import Relay
from gpu_peer.transports.signaling_client import SignalingClient
from protocol.accounts import User
from protocol.signaling import Refusal, RoomPeer, SignalPosted
from tests.gpu_peer.support.virtual_clock import VirtualClock

PEER = RoomPeer(id="p", role="device", user=User(id="u", name="U"))


class Recorder:
    """Takes signals, and answers each offer with a refusal."""

    def __init__(self) -> None:
        self.taken: list[SignalPosted] = []

    def take(self, posted: SignalPosted, introducer: Introducer) -> None:
        self.taken.append(posted)
        refusal = Refusal(connection="c", code="malformed", message="no")
        answered = introducer.post(posted.room, posted.sender.id, refusal)
        self.task = asyncio.ensure_future(answered)


class WatchedAlarm(Alarm):
    """Says whenever somebody goes to rest, and for how many seconds."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.rests: asyncio.Queue[float] = asyncio.Queue()

    async def rest(self, wait_s: float) -> bool:
        resting = asyncio.ensure_future(super().rest(wait_s))
        await asyncio.sleep(0)  # it rests now
        self.rests.put_nowait(wait_s)
        try:
            return await resting
        finally:
            resting.cancel()


class SignalingHome:
    def __init__(self, address: str) -> None:
        self.clock = VirtualClock()
        self.signals = Recorder()
        self.ready = 0
        self.came: asyncio.Queue[int] = asyncio.Queue()
        self.minted = 0
        self.client = SignalingClient(
            address,
            self._mint,
            self.signals,
            self.clock,
            self._ready,
            Relay(address, self._mint, self.clock),
        )
        self.client._alarm = self._alarm = WatchedAlarm(self.clock)

    def _mint(self) -> str:
        self.minted += 1
        return f"token-{self.minted}"

    def _ready(self) -> None:
        self.ready += 1
        self.came.put_nowait(self.ready)

    async def rests(self) -> float:
        """Wait until the client waits to try again, and give how many seconds it will."""
        async with asyncio.timeout(20):
            return await self._alarm.rests.get()

    async def comes(self) -> int:
        """Wait until it is welcome, and give how often it was."""
        async with asyncio.timeout(20):
            return await self.came.get()


@asynccontextmanager
async def running(address: str) -> AsyncIterator[SignalingHome]:
    home = SignalingHome(address)
    task = asyncio.ensure_future(home.client.run())
    try:
        yield home
    finally:
        task.cancel()
        await asyncio.wait((task,))
