"""The relay's UDP sockets: one for each address that it listens on.

A raw socket that does not block, read until it is empty: at tens of thousands of packets a second
the event loop's own datagram transport, with a callback and a copy for each, is most of the work.
"""

import asyncio
import contextlib
import socket
import time
from dataclasses import dataclass

from protocol.stun import Address
from turn.allocations import Allocation
from turn.clients import perform
from turn.relay import Relay

SocketAddress = tuple[str, int] | tuple[str, int, int, int]

_BATCH = 64
"""Datagrams in a row before other sockets have a turn."""

_BUFFER = 1 << 21
"""Bytes that the system may keep in either direction, as far as it lets us."""


class UdpListener:
    """One socket, and the clients with an allocation that came by it."""

    def __init__(self, relay: Relay, bound: socket.socket) -> None:
        self.allocations: dict[SocketAddress, Allocation] = {}
        self.sendto = bound.sendto
        self._relay = relay
        self._socket = bound
        self._buffer = bytearray(65_536)
        self._view = memoryview(self._buffer)
        self._loop = asyncio.get_running_loop()
        bound.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            bound.setsockopt(socket.SOL_SOCKET, option, _BUFFER)
        self._loop.add_reader(bound, self._read)

    def close(self) -> None:
        """Read no more."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        receive, forward = self._socket.recvfrom_into, self._relay.forward
        now = time.monotonic()
        for _ in range(_BATCH):
            try:
                size, sender = receive(self._buffer)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error of something sent before
                continue
            frame = self._view[:size]
            allocation = self.allocations.get(sender)
            if allocation is not None:
                target = forward(allocation, frame, now)
                if target is not None:
                    target.send(frame)
                    continue
            source = UdpClient(self, sender)
            perform(self._relay.receive(source, bytes(frame), now, time.time()))


@dataclass(frozen=True, slots=True)
class UdpClient:
    """A client that sends from one address to one of our sockets."""

    listener: UdpListener
    sender: SocketAddress

    @property
    def address(self) -> Address:
        """Host and port, without what sockets of IPv6 add."""
        return self.sender[0].partition("%")[0], self.sender[1]

    @property
    def may_be_forged(self) -> bool:
        """Nothing has shown yet that the sender is there."""
        return True

    def send(self, data: bytes | memoryview) -> None:
        """Send a datagram; where the system has no room it is lost, as any datagram may be."""
        with contextlib.suppress(OSError):
            self.listener.sendto(data, self.sender)

    def begin(self, allocation: Allocation) -> None:
        """Let its packets go the short way."""
        self.listener.allocations[self.sender] = allocation

    def end(self) -> None:
        """Let them go it no more."""
        self.listener.allocations.pop(self.sender, None)
