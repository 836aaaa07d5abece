"""A home with a scripted engine and devices that join it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gpu_peer.chat.connection import DeviceConnection
from gpu_peer.chat.home import Home
from gpu_peer.clock import Clock
from gpu_peer.household.desk import Asker
from gpu_peer.household.household import Household
from gpu_peer.household.reception import Reception
from gpu_peer.serving import serving
from gpu_peer.storage.store import Store
from gpu_peer.transports.certificate import fingerprint_of, load_certificate
from gpu_peer.transports.lan.addresses import Addresses
from gpu_peer.transports.lan.agent import Limits
from gpu_peer.transports.lan.listener import LanListener
from gpu_peer.transports.lan.tickets import LanTickets
from gpu_peer.transports.signaled_sessions import Serve, SignaledSessions, Signals
from gpu_peer.trust.connect import Open
from protocol.roads import RoadName
from tests.gpu_peer.support.device import MemoryDevice, RtcDevice
from tests.gpu_peer.support.scripted_engine import ScriptedEngine
from tests.gpu_peer.support.trust import FINGERPRINTS, HOME, public


class House:
    def __init__(self, path: Path, clock: Clock) -> None:
        self.store = Store(path)
        self.clock = clock
        self.engine = ScriptedEngine()
        self._tasks: list[asyncio.Task[Any]] = []

    async def start(self) -> None:
        await self.store.open()
        self.home = Home(self.store, self.engine, self.clock)
        self.household = await Household(HOME, self.store, self.clock).open()
        self.engine.deliver = self.home.answers.take
        await self.home.start()

    def join(self, who: str | Asker) -> MemoryDevice:
        """Connect a device of somebody over a channel in memory, as if it had proved itself."""
        device = MemoryDevice()
        asker = Asker(who, None) if isinstance(who, str) else who
        connection = DeviceConnection(asker, device, self.home, self.household, self.clock)
        self._tasks.append(asyncio.ensure_future(connection.run()))
        return device

    def receive(self) -> tuple[MemoryDevice, "asyncio.Task[Open | None]"]:
        """Have an unknown device received over a channel in memory."""
        device = MemoryDevice()
        reception = Reception(self.household, device, FINGERPRINTS, self.clock)
        task = asyncio.ensure_future(reception.run())
        self._tasks.append(task)
        return device, task

    async def person(self, name: str) -> str:
        """Give the id of the member of this name, who is added when there is none."""
        shown = await self.household.shown(self.household.owner, None)
        for person in shown.people:
            if person.name == name:
                return person.id
        return (await self.household.add_person(name, "member")).id

    def serving(self, road: RoadName, on_bound: Callable[[], None] = lambda: None) -> Serve:
        """Give what serves the channels of one road."""
        return serving(self.home, self.household, self.clock, road, on_bound=on_bound)

    async def device(self, name: str, signals: Signals, **more: Any) -> RtcDevice:
        """Give a device over WebRTC that is paired as this person's."""
        device = RtcDevice(name, signals, **more)
        key, person = public(device.key), await self.person(name)
        await self.household.devices.register(key, f"{name}'s", person, self.clock.wall_ms())
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


@asynccontextmanager
async def sessions_of(house: House, folder: Path) -> AsyncIterator[SignaledSessions]:
    """Have the house reached over WebRTC; its certificate is kept in the folder."""
    sessions = SignaledSessions(load_certificate(folder), house.serving)
    try:
        yield sessions
    finally:
        await sessions.close()


@asynccontextmanager
async def lan_of(
    house: House,
    folder: Path,
    addresses: Addresses,
    wanted_port: int = 0,
    limits: Limits | None = None,
) -> AsyncIterator[tuple[LanListener, LanTickets]]:
    """Have the house dialed at these addresses; its certificate is kept in the folder."""
    certificate = load_certificate(folder)
    tickets = LanTickets(house.household.lan, fingerprint_of(certificate), "hearth-test.local")
    serve = serving(house.home, house.household, house.clock, "lan", tickets)
    listener = LanListener(
        house.household.lan,
        certificate,
        serve,
        house.clock,
        wanted_port,
        tickets.moved,
        addresses,
        limits,
    )
    await listener.open()
    try:
        yield listener, tickets
    finally:
        await listener.close()
