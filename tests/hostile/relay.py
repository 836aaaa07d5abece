"""A relay of datagrams: where candidates that were put into a description lead to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from aioice.ice import get_host_addresses

Address = tuple[str, int]


class _Port(asyncio.DatagramProtocol):
    def __init__(self, relay: "Relay", far: bool) -> None:
        self._relay = relay
        self._far = far

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._relay.take(data, addr, far=self._far)


class Relay:
    """Passes datagrams between one device and one home, and keeps all of them."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.home: Address | None = None
        """Where it passes things on to; unset, it only swallows them."""

        self._device: Address | None = None
        self.near = _Port(self, far=False)
        self.far = _Port(self, far=True)

    @property
    def address(self) -> Address:
        host, port = self.near.transport.get_extra_info("sockname")
        return host, port

    def take(self, data: bytes, addr: Address, *, far: bool) -> None:
        self.heard.append(data)
        if far and self._device is not None:
            self.near.transport.sendto(data, self._device)
        elif not far:
            self._device = addr
            if self.home is not None:
                self.far.transport.sendto(data, self.home)


@asynccontextmanager
async def a_relay() -> AsyncIterator[Relay]:
    relay = Relay()
    host = get_host_addresses(use_ipv4=True, use_ipv6=False)[0]
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: relay.near, local_addr=(host, 0))
    await loop.create_datagram_endpoint(lambda: relay.far, local_addr=(host, 0))
    try:
        yield relay
    finally:
        relay.near.transport.close()
        relay.far.transport.close()
