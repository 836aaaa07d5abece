"""Clients over TCP, and over TLS over TCP (RFC 8656, sections 3.1 and 12.4)."""

import asyncio
import time
from collections import Counter
from typing import cast

from protocol.stun import Address
from turn import channel_data
from turn.allocations import Allocation
from turn.clients import perform
from turn.errors import BadFraming
from turn.limits import StreamLimits
from turn.relay import Relay

_BACKLOG_BYTES = 1 << 18
"""What waits for a slow reader; beyond it data is lost, as on the way of a datagram."""

_STUN = range(4)
"""First bytes of STUN, as opposed to ChannelData (section 12)."""


class Connections:
    """How many connections there are and may be, and those that are open."""

    def __init__(self, relay: Relay, limits: StreamLimits) -> None:
        self.relay = relay
        self.limits = limits
        self.open: set[StreamClient] = set()
        self._by_host: Counter[str] = Counter()
        self._emptied: asyncio.Event | None = None

    def __len__(self) -> int:
        return self._by_host.total()

    def admit(self, address: Address) -> bool:
        """Count a connection in from its accepting on, unless there are too many."""
        limits = self.limits
        if len(self) >= limits.connections or self._by_host[address[0]] >= limits.per_address:
            return False
        self._by_host[address[0]] += 1
        return True

    def leave(self, address: Address) -> None:
        """Count it out."""
        self._by_host[address[0]] -= 1
        if not self._by_host[address[0]]:
            del self._by_host[address[0]]
        if self._emptied is not None and not self._by_host:
            self._emptied.set()

    async def all_closed(self) -> None:
        """Wait until there is none."""
        if self._by_host:
            self._emptied = asyncio.Event()
            await self._emptied.wait()

    def close(self) -> None:
        """End them all."""
        for client in list(self.open):
            client.close()

    def abort(self) -> None:
        """End those that have not ended yet, with what waits in them."""
        for client in list(self.open):
            client.abort()


class StreamClient(asyncio.Protocol):
    """One connection, which is one 5-tuple."""

    may_be_forged = False
    """TCP's handshake went there and back."""

    def __init__(self, connections: Connections, address: Address) -> None:
        self.address = address
        self.has_begun = False
        """Whether it was opened, TLS and all; who admitted it counts it out where it never is."""

        self._connections = connections
        self._relay = connections.relay
        self._allocation: Allocation | None = None
        self._came = bytearray()
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin. It was admitted before, and TLS has been agreed on by now."""
        self._transport = cast(asyncio.Transport, transport)
        self.has_begun = True
        self._connections.open.add(self)
        self._expect_allocation()

    def connection_lost(self, _error: Exception | None) -> None:
        """Its allocation ends with it (section 3.3)."""
        self._connections.open.remove(self)
        self._connections.leave(self.address)
        perform(self._relay.lose(self))
        if self._deadline is not None:
            self._deadline.cancel()

    def data_received(self, data: bytes) -> None:
        """Take the whole messages out of what has come so far."""
        self._came += data
        try:
            with memoryview(self._came) as view:
                taken = self._take(view)
        except BadFraming:
            self._transport.abort()
            return
        del self._came[:taken]

    def send(self, data: bytes | memoryview) -> None:
        """Send a message, padded (section 12.4); where too much waits already it is lost."""
        if self._transport.get_write_buffer_size() > _BACKLOG_BYTES or self._transport.is_closing():
            return
        self._transport.write(bytes(data) + bytes(-len(data) % 4))

    def begin(self, allocation: Allocation) -> None:
        """Let its packets go the short way."""
        self._allocation = allocation
        if self._deadline is not None:
            self._deadline.cancel()

    def end(self) -> None:
        """A connection without an allocation ends soon."""
        self._allocation = None
        self._expect_allocation()

    def close(self) -> None:
        """End it, after what waits has gone."""
        self._transport.close()

    def abort(self) -> None:
        """End it at once."""
        self._transport.abort()

    def _expect_allocation(self) -> None:
        within = self._connections.limits.allocate_within_s
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(within, self._transport.abort)

    def _take(self, view: memoryview) -> int:
        """Deal with whole messages; give how many bytes they were."""
        now = time.monotonic()
        at = 0
        while (found := channel_data.message_size(view, at)) is not None:
            if self._allocation is None and view[at] not in _STUN:
                raise BadFraming  # nobody without an allocation has a channel
            size, padded = found
            if at + padded > len(view):
                break
            with view[at : at + size] as frame:
                self._receive(frame, now)
            at += padded
        return at

    def _receive(self, frame: memoryview, now: float) -> None:
        if self._allocation is not None:
            target = self._relay.forward(self._allocation, frame, now)
            if target is not None:
                target.send(frame)
                return
        perform(self._relay.receive(self, bytes(frame), now, time.time()))
