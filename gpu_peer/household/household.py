"""People, their devices, and which of these are connected now."""

import contextlib
import getpass
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

import structlog

from gpu_peer.clock import Clock
from gpu_peer.errors import DeviceOfAnother, DeviceWasRemoved, ListRefused, StorageError
from gpu_peer.household.invitations import Invitations
from gpu_peer.storage.device_list import DeviceList
from gpu_peer.storage.lan_credentials import LanCredentials
from gpu_peer.storage.people import NAME_CHARS, Person, Role
from gpu_peer.storage.store import Store
from gpu_peer.trust.connect import Open
from gpu_peer.trust.keys import HomeSigner
from gpu_peer.trust.pairing import NotStored, Register
from protocol import household as wire
from protocol.transcript import key_id

PER_DEVICE = 8
"""So many connections of one device at once, a tab each; one more ends the oldest."""

log = structlog.get_logger()


@dataclass(frozen=True, eq=False)
class _Live:
    """A connection that is open now. `cut` ends it at once."""

    road: str
    since_ms: int
    code: str
    cut: Callable[[], None]


class Household:
    """See the module. Belongs to one event loop."""

    def __init__(self, signer: HomeSigner, store: Store, clock: Clock) -> None:
        self.signer = signer
        self.invitations = Invitations(clock)
        self.devices = DeviceList(store)
        self.lan = LanCredentials(store, self.devices)
        self._store = store
        self._clock = clock
        self._people: dict[str, Person] = {}
        self._live: dict[str, list[_Live]] = {}
        self._watchers: set[Callable[[], None]] = set()

    async def open(self) -> Self:
        """Read the lists. A home without people gets its owner, by the name that the PC knows.

        Raises:
            StorageError: see `Store.run`.
        """
        await self.devices.open()
        await self.lan.open()
        people = await self._store.with_people(lambda all_of_it: all_of_it.people())
        if not people:
            people = [await self._add(_name_of_account(), "member")]
        self._people = {person.id: person for person in people}
        return self

    @property
    def home_id(self) -> str:
        """The 32 hexadecimal digits that a QR carries."""
        return key_id(self.signer.key)

    @property
    def owner(self) -> str:
        """The owner's id."""
        return next(p.id for p in self._people.values() if p.role == "owner")

    @property
    def owner_name(self) -> str:
        """The owner's name."""
        return self._people[self.owner].name

    @property
    def is_anybody_here(self) -> bool:
        """Whether any device is connected now."""
        return bool(self._live)

    @property
    def guests(self) -> list[str]:
        """The ids of those whose history is not kept."""
        return [p.id for p in self._people.values() if p.role == "guest"]

    def role_of(self, person: str) -> Role | None:
        """Give a person's role; None of somebody unknown."""
        known = self._people.get(person)
        return None if known is None else known.role

    def person_of(self, device: str) -> str | None:
        """Give whose device it is or was; None of an unknown one."""
        known = self.devices.find(device)
        return None if known is None else known.person

    def is_present(self, person: str) -> bool:
        """Whether a device of the person is connected now."""
        return any(self.person_of(device) == person for device in self._live)

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` whenever `shown` may have changed. Gives how to end that."""
        self._watchers.add(wake)
        return lambda: self._watchers.discard(wake)

    async def shown(self, viewer: str, device: str | None) -> wire.Household:
        """Give what a person may see of it: the owner everything, others themselves.

        Raises:
            StorageError: see `Store.run`.
        """
        whose = None if self.role_of(viewer) == "owner" else viewer
        devices = await self._store.with_people(lambda people: people.devices(whose))
        people = [p for p in self._people.values() if whose in (None, p.id)]
        return wire.Household(
            person=viewer,
            device=device,
            people=[wire.PersonShown(id=p.id, name=p.name, role=p.role) for p in people],
            devices=[
                wire.DeviceShown(
                    id=d.id,
                    person=d.person,
                    name=d.name,
                    paired_ms=d.paired_ms,
                    seen_ms=d.seen_ms,
                    road=d.road,
                    revoked=d.revoked,
                    live=[
                        wire.LiveConnection(road=one.road, since_ms=one.since_ms, code=one.code)
                        for one in self._live.get(d.id, ())
                    ],
                )
                for d in devices
            ],
        )

    @asynccontextmanager
    async def connected(
        self, opened: Open, road: str, cut: Callable[[], None]
    ) -> AsyncIterator[None]:
        """Know of a connection while it lasts. `cut` is called when its device is removed."""
        device = opened.device.id
        live = _Live(road, self._clock.wall_ms(), opened.code.replace("-", ""), cut)
        mine = self._live.setdefault(device, [])
        if len(mine) >= PER_DEVICE:
            mine[0].cut()
        mine.append(live)
        try:
            await self._see(device, road)
            yield
        finally:
            self._live[device].remove(live)
            if not self._live[device]:
                del self._live[device]
            await self._see(device, road)

    async def register(self, device: Register) -> NotStored | None:
        """Write down a device that was paired; gives why that cannot be."""
        try:
            await self.devices.register(
                device.key, device.name, device.person, self._clock.wall_ms()
            )
        except StorageError:
            return "storage_failed"
        except DeviceWasRemoved:
            return "device_revoked"
        except DeviceOfAnother:
            return "device_taken"
        except ListRefused:
            return "list_refused"
        self._changed()
        return None

    async def add_person(self, name: str, role: wire.NewRole) -> Person:
        """Make a member or a guest.

        Raises:
            ListRefused: see `People.add_person`.
            StorageError: see `Store.run`.
        """
        person = await self._add(name, role)
        self._people[person.id] = person
        self._changed()
        return person

    async def rename_person(self, person: str, name: str) -> None:
        """Give a person another name.

        Raises:
            ListRefused: nobody of that id, or not a name.
            StorageError: see `Store.run`.
        """
        self._people[person] = await self._store.with_people(
            lambda people: people.rename_person(person, name)
        )
        self._changed()

    async def rename_device(self, device: str, name: str) -> None:
        """Give a device another name.

        Raises:
            ListRefused: no such device, or not a name.
            StorageError: see `Store.run`.
        """
        await self._store.with_people(lambda people: people.rename(device, name))
        self._changed()

    async def revoke(self, device: str) -> None:
        """Remove a device: its connections are cut before anything else happens.

        Raises:
            ListRefused: no such device.
            StorageError: see `DeviceList.revoke`; it is out all the same.
        """
        # No await between these: the list says 'removed' before the device can come back.
        for live in tuple(self._live.get(device, ())):
            live.cut()
        self.lan.forget(device)
        try:
            await self.devices.revoke(device, self._clock.wall_ms())
        finally:
            self._changed()

    async def readmit(self, device: str) -> None:
        """Let a removed device back in, as what it was.

        Raises:
            ListRefused: no such device.
            StorageError: see `Store.run`.
        """
        await self.devices.readmit(device, self._clock.wall_ms())
        self._changed()

    def first_invitation(self) -> str | None:
        """Open the invitation for the first browser on the PC itself: the owner's.

        Returns:
            Its secret; None once any device was ever paired here.
        """
        if self.devices.is_empty:
            return self.invitations.open(self.owner, "secret", _Nobody())
        return None

    async def _add(self, name: str, role: wire.NewRole) -> Person:
        now_ms = self._clock.wall_ms()
        return await self._store.with_people(
            lambda people: people.add_person(name, now_ms, role=role)
        )

    async def _see(self, device: str, road: str) -> None:
        now_ms = self._clock.wall_ms()
        # 'Last seen' is for people to read; a disk that does not take it stops nobody.
        with contextlib.suppress(StorageError):
            await self._store.with_people(lambda people: people.seen(device, road, now_ms))
        self._changed()

    def _changed(self) -> None:
        for wake in tuple(self._watchers):
            wake()


class _Nobody:
    """Hosts the invitation that no person looks at."""

    def tell(self, news: wire.PairingAsked | wire.InvitationEnded) -> None:
        if isinstance(news, wire.InvitationEnded) and news.device is not None:
            log.info("first_device_paired")


def _name_of_account() -> str:
    """Give the name of the PC's user, as a first name for the owner."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # no such user: a container, for example
        name = ""
    tidy = "".join(c for c in name if c.isprintable()).strip()[:NAME_CHARS]
    return tidy[:1].upper() + tidy[1:] or "Owner"
