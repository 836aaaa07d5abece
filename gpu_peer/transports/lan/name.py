"""The PC's name under `.local` (RFC 6762), for devices whose ticket has an old address.

Whoever is in the same network can see that a home is here; who may come in, its keys say.
"""

import asyncio
import contextlib
import ipaddress

import structlog
from zeroconf import Error, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from gpu_peer.logs import describe
from gpu_peer.transports.lan.listener import Reachable

_SERVICE = "_hearth._udp.local."
_ID_DIGITS = 8

log = structlog.get_logger()


def name_of(home_id: str) -> str:
    """Give the name of a home, without the dot at its end."""
    return f"hearth-{home_id[:_ID_DIGITS]}.local"


class MulticastName:
    """Answers for the name with all addresses. What fails is logged: there are addresses too."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._zeroconf: AsyncZeroconf | None = None
        self._changing: asyncio.Task[None] | None = None

    async def moved(self, reachable: Reachable | None) -> None:
        """See `Moved`. It takes a second to ask whether the name is free; nobody waits for it."""
        await self._stop_changing()
        self._changing = asyncio.ensure_future(self._change(reachable))

    async def settled(self) -> None:
        """Wait until the last change is through."""
        if self._changing is not None:
            await self._changing

    async def close(self) -> None:
        """Say goodbye."""
        await self._stop_changing()
        await self._withdraw()

    async def _stop_changing(self) -> None:
        if self._changing is not None:
            self._changing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._changing

    async def _change(self, reachable: Reachable | None) -> None:
        try:
            # Made anew: it joins the groups of the interfaces that there are when it is made.
            await self._withdraw()
            if reachable is not None and (addresses := seen_by_others(reachable.addresses)):
                self._zeroconf = AsyncZeroconf(interfaces=addresses)
                await self._zeroconf.async_register_service(
                    self._service(addresses, reachable.port), allow_name_change=True
                )
                log.info("lan_name_ready")
        except (OSError, Error) as error:
            log.warning("lan_name_failed", **describe(error))
            await self._withdraw()

    async def _withdraw(self) -> None:
        zeroconf, self._zeroconf = self._zeroconf, None
        if zeroconf is not None:
            with contextlib.suppress(OSError, Error):
                await zeroconf.async_close()

    def _service(self, addresses: list[str], port: int) -> ServiceInfo:
        host = self._name.removesuffix(".local")
        return ServiceInfo(
            _SERVICE,
            f"{host}.{_SERVICE}",
            port=port,
            addresses=[ipaddress.ip_address(address).packed for address in addresses],
            server=f"{self._name}.",
        )


def seen_by_others(addresses: tuple[str, ...]) -> list[str]:
    """Leave out loopback, where there is something else."""
    return [a for a in addresses if not ipaddress.ip_address(a).is_loopback] or list(addresses)
