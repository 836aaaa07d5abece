"""One UDP socket for each address of this PC, all on one port.

A single socket on every address would answer from another address than was asked, on a PC that has
more than one.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable, Sequence

import structlog

from gpu_peer.transports.lan.agent import Path

BUFFER_BYTES = 1 << 20
TRIES = 8
"""A port that is free on one address may be taken on another."""

Received = Callable[[bytes, Path], None]

log = structlog.get_logger()


class Sockets:
    """The sockets that there are now."""

    def __init__(self, wanted_port: int, received: Received) -> None:
        self.port: int | None = None
        """The one that was wanted, or another; None where there is none."""

        self._wanted = wanted_port
        self._received = received
        self._open: dict[str, asyncio.DatagramTransport] = {}
        self._failed: set[str] = set()

    @property
    def addresses(self) -> list[str]:
        """The addresses that are listened on, in the order in which they were given."""
        return list(self._open)

    async def follow(self, addresses: Sequence[str]) -> list[str]:
        """Open and close sockets, so that these are listened on. Gives those that are gone."""
        gone = [address for address in self._open if address not in addresses]
        for address in gone:
            self._open.pop(address).close()
        self._failed &= set(addresses)
        if self.port is None:
            await self._choose_port(addresses)
        else:
            for address in addresses:
                if address not in self._open:
                    with contextlib.suppress(OSError):
                        await self._listen_on(address, self.port)
        self._open = {a: self._open[a] for a in addresses if a in self._open}
        return gone

    def send(self, path: Path, data: bytes) -> None:
        """Send a datagram; without that address it is lost, as datagrams may be."""
        if (transport := self._open.get(path.local)) is not None:
            transport.sendto(data, path.remote)

    def close(self) -> None:
        """Close all of them."""
        for transport in self._open.values():
            transport.close()
        self._open = {}

    async def _choose_port(self, addresses: Sequence[str]) -> None:
        for port in (self._wanted, *[0] * TRIES):
            if await self._all_on(port, addresses):
                return
            if port:
                log.warning("lan_port_taken", port=port)

    async def _all_on(self, port: int, addresses: Sequence[str]) -> bool:
        """Open all on one port; false, and none is open, where it is taken on one of them."""
        for address in addresses:
            try:
                await self._listen_on(address, port)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    self.close()
                    self.port = None
                    return False
                continue
            port = self.port or port
        return True

    async def _listen_on(self, address: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            sock = _bound(family, address, port)
        except OSError as error:
            if address not in self._failed:
                self._failed.add(address)
                log.debug("lan_address_not_to_be_had", kind=errno.errorcode.get(error.errno or 0))
            raise
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Listener(address, self._received), sock=sock
        )
        self._open[address] = transport
        self.port = sock.getsockname()[1]


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, address: str, received: Received) -> None:
        self._address = address
        self._received = received

    def datagram_received(self, data: bytes, remote: tuple[str, int]) -> None:
        """See `asyncio.DatagramProtocol`; of an IPv6 address there is more than two."""
        self._received(data, Path(self._address, (remote[0], remote[1])))


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        sock.setblocking(False)
        sock.bind((address, port))
    except OSError:
        sock.close()
        raise
    return sock
