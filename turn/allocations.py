"""The allocations of the relay, and who may send to whom (RFC 8656, sections 3.2 and 3.3).

A relayed address is the relay's address and a number in a table: as nobody but another allocation
may send to it, there is no socket behind it.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from protocol.stun import IPV4, IPV6, Address
from turn.buckets import Bucket
from turn.credentials import Credentials

PERMISSION_LIFE_S = 300
CHANNEL_LIFE_S = 600
RESERVATION_LIFE_S = 30
PORTS = range(49_152, 65_536)
"""Lifetimes of sections 9, 12 and 7.2, and the ports that section 7.2 recommends."""

MOST_CHANNELS = 64
"""Of one allocation. A browser binds one for each candidate of its peer that is a relay's."""

_TRIES = 64


class Client(Protocol):
    """The client's end of a 5-tuple (section 3.2): hashable, equal where the 5-tuple is.

    The tables and the relay read its properties only. The methods are for the sockets' side,
    which does with them what the relay says.
    """

    @property
    def address(self) -> Address:
        """Where its messages come from."""

    @property
    def may_be_forged(self) -> bool:
        """Whether somebody else may have written that address: in a datagram anybody can."""

    def __hash__(self) -> int:
        """Two of one 5-tuple have one hash."""

    def send(self, data: bytes | memoryview) -> None:
        """Hand it a message, or lose it."""

    def begin(self, allocation: "Allocation") -> None:
        """It has an allocation now."""

    def end(self) -> None:
        """It has none any more."""


@dataclass(slots=True, eq=False)
class User:
    """Somebody with credentials, for as long as they have allocations or a bucket to fill."""

    bucket: Bucket
    allocations: int = 0


@dataclass(slots=True)
class Relayed:
    """A relayed transport address and when it ends."""

    address: Address
    ends: float


@dataclass(slots=True)
class Channel:
    """A peer that a channel number stands for, and when that ends (section 12)."""

    peer: Address
    ends: float


@dataclass(slots=True)
class Route:
    """What becomes of ChannelData of an allocation: who gets it, as which channel, who pays."""

    target: Client
    number: int | None
    """None: the target bound no channel and gets a Data indication."""
    sender: Address
    user: User


@dataclass(slots=True, eq=False)
class Allocation:
    """One client's allocation, with one relayed address for each address family."""

    client: Client
    credentials: Credentials
    user: User
    transaction_id: bytes
    relayed: dict[int, Relayed]
    wants_both: bool = False
    """Whether both families were asked for (section 18.11)."""
    token: bytes | None = None
    """For the next port, which is reserved."""
    permissions: dict[str, float] = field(default_factory=dict)
    """Hosts that may send, and until when. All peers are at the relay's own addresses."""
    channels: dict[int, Channel] = field(default_factory=dict)
    routes: dict[int, Route] = field(default_factory=dict)
    """By channel number. Only a copy of what the tables say, for speed."""

    def number_of(self, peer: Address) -> int | None:
        """Give the channel that is bound to a peer."""
        for number, channel in self.channels.items():
            if channel.peer == peer:
                return number
        return None


@dataclass(slots=True)
class Reservation:
    """A port kept for who shows the token (section 7.2, EVEN-PORT with its R bit)."""

    address: Address
    user: str
    ends: float


class Allocations:
    """The tables. Every entry is of somebody with credentials; the caller limits their number."""

    def __init__(self, hosts: dict[int, str]) -> None:
        self.hosts = hosts
        """The relay's own address of each family."""
        self.of: dict[Client, Allocation] = {}
        self.at: dict[Address, Allocation] = {}
        self.users: dict[str, User] = {}
        self.reservations: dict[bytes, Reservation] = {}

    def free_address(
        self, family: int, *, even: bool = False, pair: bool = False
    ) -> Address | None:
        """Pick a relayed address at random; `pair` wants the next higher port to be free too."""
        taken = {reservation.address for reservation in self.reservations.values()}
        host = self.hosts[family]
        for _ in range(_TRIES):
            port = secrets.choice(PORTS) & (~1 if even else ~0)
            wanted = [(host, port), (host, port + 1)] if pair else [(host, port)]
            if not any(address in self.at or address in taken for address in wanted):
                return host, port
        return None

    def reserve(self, address: Address, user: str, now: float) -> bytes:
        """Keep an address for 30 seconds and give the token for it."""
        token = secrets.token_bytes(8)
        self.reservations[token] = Reservation(address, user, now + RESERVATION_LIFE_S)
        return token

    def redeem(self, token: bytes, user: str, now: float) -> Address | None:
        """Give the address of a token to the one it was kept for, once."""
        reservation = self.reservations.get(token)
        if reservation is None or reservation.user != user or reservation.ends <= now:
            return None
        del self.reservations[token]
        return reservation.address

    def add(self, allocation: Allocation) -> None:
        """Enter an allocation."""
        self.of[allocation.client] = allocation
        for relayed in allocation.relayed.values():
            self.at[relayed.address] = allocation
        allocation.user.allocations += 1

    def remove(self, allocation: Allocation) -> None:
        """Delete an allocation with all its relayed addresses."""
        for family in list(allocation.relayed):
            self.remove_family(allocation, family)
        allocation.user.allocations -= 1
        del self.of[allocation.client]

    def remove_family(self, allocation: Allocation, family: int) -> None:
        """Take one relayed address away."""
        del self.at[allocation.relayed.pop(family).address]
        self.forget_routes()

    def route(self, allocation: Allocation, peer: Address, now: float) -> Route | None:
        """Say how data of an allocation gets to a peer; None where either end did not permit it.

        The peer is another allocation (or the very same), and permitted the sender's address.
        """
        sender = allocation.relayed.get(family_of(peer))
        target = self.at.get(peer)
        if sender is None or target is None:
            return None
        if allocation.permissions.get(peer[0], 0) <= now:
            return None
        if target.permissions.get(sender.address[0], 0) <= now:
            return None
        number = target.number_of(sender.address)
        return Route(target.client, number, sender.address, allocation.user)

    def forget_routes(self) -> None:
        """Have all routes looked up again, after a change that may concern any of them."""
        for allocation in self.of.values():
            allocation.routes.clear()

    def expire(self, now: float) -> list[Client]:
        """Drop what has ended and give the clients whose allocation did."""
        ended = list(self._drop_ended(now))
        for token in [t for t, r in self.reservations.items() if r.ends <= now]:
            del self.reservations[token]
        idle = [n for n, u in self.users.items() if not u.allocations and u.bucket.is_full(now)]
        for name in idle:
            del self.users[name]
        return ended

    def _drop_ended(self, now: float) -> Iterator[Client]:
        for allocation in list(self.of.values()):
            for family in [f for f, r in allocation.relayed.items() if r.ends <= now]:
                self.remove_family(allocation, family)
            if not allocation.relayed:
                self.remove(allocation)
                yield allocation.client
                continue
            hosts = [host for host, ends in allocation.permissions.items() if ends <= now]
            numbers = [n for n, channel in allocation.channels.items() if channel.ends <= now]
            for host in hosts:
                del allocation.permissions[host]
            for number in numbers:
                del allocation.channels[number]
            if hosts or numbers:
                self.forget_routes()


def family_of(address: Address) -> int:
    """Give the family of an address (RFC 8489, section 14.1)."""
    return IPV6 if ":" in address[0] else IPV4
