"""What devices dial this PC with in its own network, in memory: asked for each datagram."""

from typing import Self

from gpu_peer.storage.device_list import DeviceList
from gpu_peer.storage.lan_table import LanCredential
from gpu_peer.storage.store import Store


class LanCredentials:
    """See `LanTable`. Belongs to one event loop."""

    def __init__(self, store: Store, devices: DeviceList) -> None:
        self._store = store
        self._devices = devices
        self._by_ufrag: dict[str, LanCredential] = {}

    async def open(self) -> Self:
        """Read all of them.

        Raises:
            StorageError: see `Store.run`.
        """
        for credential in await self._store.with_lan(lambda table: table.all()):
            self._by_ufrag[credential.ufrag] = credential
        return self

    def find(self, ufrag: str) -> LanCredential | None:
        """Give whose ufrag it is; None once the device was removed, from that moment on."""
        found = self._by_ufrag.get(ufrag)
        return found if found is not None and self._is_in(found.device) else None

    async def of(self, device: str) -> LanCredential | None:
        """Give a device's, made when it is first asked for; None of a device that was removed.

        Raises:
            StorageError: see `Store.run`.
        """
        # Asked of the disk each time: one that was removed and came back has others.
        credential = await self._store.with_lan(lambda table: table.of(device))
        if credential is None or not self._is_in(device):
            return None
        self.forget(device)
        self._by_ufrag[credential.ufrag] = credential
        return credential

    def forget(self, device: str) -> None:
        """The device was removed; if it comes back, it gets others."""
        self._by_ufrag = {u: c for u, c in self._by_ufrag.items() if c.device != device}

    def _is_in(self, device: str) -> bool:
        known = self._devices.find(device)
        return known is not None and not known.revoked
