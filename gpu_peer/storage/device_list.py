"""The paired devices in memory, for the machines that ask in the middle of a step."""

from typing import Self

from gpu_peer.errors import ListRefused
from gpu_peer.storage.people import PairedDevice
from gpu_peer.storage.store import Store
from gpu_peer.trust.devices import Device


class DeviceList:
    """The home's `Devices`: read once, then changed together with the disk.

    Belongs to one event loop. The disk first, except for removing, where whoever waits for it wants
    the device out now.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, Device] = {}
        self._cut: set[str] = set()

    async def open(self) -> Self:
        """Read the list.

        Raises:
            StorageError: see `Store.run`.
        """
        for device in await self._store.with_people(lambda people: people.devices()):
            self._remember(device)
        return self

    @property
    def is_empty(self) -> bool:
        """Whether no device was ever paired, those removed included."""
        return not self._known

    def find(self, device_id: str) -> Device | None:
        """See `Devices`."""
        return self._known.get(device_id)

    async def register(
        self, key: bytes, name: str, person: str, now_ms: int, *, readmit: bool = False
    ) -> PairedDevice:
        """See `People.register`.

        Raises:
            ListRefused: see there.
            StorageError: see `Store.run`; nothing was changed.
        """
        device = await self._store.with_people(
            lambda people: people.register(key, name, person, now_ms, readmit=readmit)
        )
        self._remember(device)
        return device

    async def revoke(self, device_id: str, now_ms: int) -> PairedDevice:
        """Remove a device. From now on `find` says so, whatever the disk does.

        Raises:
            ListRefused: no such device.
            StorageError: it could not be written: the device is out until the home is started anew,
                so this has to be asked again.
        """
        self._cut.add(device_id)
        if device_id in self._known:
            self._known[device_id] = _as_revoked(self._known[device_id])
        try:
            device = await self._store.with_people(lambda people: people.revoke(device_id, now_ms))
        except ListRefused:
            self._cut.discard(device_id)
            raise
        self._cut.discard(device_id)
        self._remember(device)
        return device

    async def readmit(self, device_id: str, now_ms: int) -> PairedDevice:
        """Let a removed device back in, as what it was. Of one that is in, nothing changes.

        Raises:
            ListRefused: no such device.
            StorageError: see `Store.run`; nothing was changed.
        """
        device = await self._store.with_people(lambda people: people.readmit(device_id, now_ms))
        self._remember(device)
        return device

    def _remember(self, device: PairedDevice) -> None:
        known = Device(device.id, device.key, device.person, device.revoked)
        # A registration that was under way must not undo a removal that was asked for after it.
        self._known[device.id] = _as_revoked(known) if device.id in self._cut else known


def _as_revoked(device: Device) -> Device:
    return Device(device.id, device.key, device.person, revoked=True)
