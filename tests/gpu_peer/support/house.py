"""A home with a scripted engine and devices that join it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gpu_peer.chat.connection import DeviceConnection
from gpu_peer.chat.home import Home
from gpu_peer.clock import Clock
from gpu_peer.storage.store import Store
from tests.gpu_peer.support.device import MemoryDevice
from tests.gpu_peer.support.scripted_engine import ScriptedEngine


class House:
    def __init__(self, path: Path, clock: Clock) -> None:
        self.store = Store(path)
        self.clock = clock
        self.engine = ScriptedEngine()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        await self.store.open()
        self.home = Home(self.store, self.engine, self.clock)
        self.engine.deliver = self.home.answers.take
        await self.home.start()

    def join(self, user: str) -> MemoryDevice:
        """Connect a device of the user over a channel in memory."""
        device = MemoryDevice()
        connection = DeviceConnection(user, device, self.home, self.clock)
        self._tasks.append(asyncio.ensure_future(connection.run()))
        return device

    async def die(self) -> None:
        """End like a process that was killed: nothing is finished."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.store.close()


@asynccontextmanager
async def a_house(path: Path, clock: Clock) -> AsyncIterator[House]:
    house = House(path, clock)
    await house.start()
    try:
        yield house
    finally:
        await house.die()
