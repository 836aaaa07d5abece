"""What a device is given so that it can dial the PC the next time."""

from collections.abc import Sequence
from ipaddress import ip_address

from gpu_peer.errors import StorageError
from gpu_peer.storage.lan_credentials import LanCredentials
from gpu_peer.transports.lan.listener import Reachable
from protocol import base64url
from protocol.roads import LanTicket

MAX_ADDRESSES = 16


class LanTickets:
    """Gives tickets, of where the PC is now."""

    def __init__(self, credentials: LanCredentials, fingerprint: bytes, name: str) -> None:
        """Prepare.

        Args:
            credentials: Of all devices.
            fingerprint: SHA-256 of the PC's certificate.
            name: The PC's under `.local`.
        """
        self._credentials = credentials
        self._fingerprint = base64url.to_text(fingerprint)
        self._name = name
        self._reachable: Reachable | None = None

    async def moved(self, reachable: Reachable | None) -> None:
        """See `Moved`."""
        self._reachable = reachable

    async def ticket(self, device: str) -> LanTicket | None:
        """Give a device its ticket; None where the PC cannot be dialed, or not by this device."""
        try:
            credential = await self._credentials.of(device)
        except StorageError:
            return None  # the next connection brings one
        if credential is None or (here := self._reachable) is None:
            return None
        return LanTicket(
            addresses=_of_use(here.addresses)[:MAX_ADDRESSES],
            name=self._name,
            port=here.port,
            ufrag=credential.ufrag,
            password=credential.password,
            fingerprint=self._fingerprint,
        )


def _of_use(addresses: Sequence[str]) -> list[str]:
    """Leave loopback out where there is anything else: elsewhere it is the device itself."""
    away = [address for address in addresses if not ip_address(address).is_loopback]
    return away or list(addresses)
