"""The relay without a socket: messages and time in, messages out (RFC 8656).

It is closed: a peer must be an allocation of this very relay, so nobody reaches through it what
they could not reach without it, neither the relay's own machine nor the networks around it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from protocol import stun
from protocol.stun import Address, Class, Message, Method
from turn import channel_data, credentials
from turn.allocating import Allocator
from turn.allocations import (
    CHANNEL_LIFE_S,
    MOST_CHANNELS,
    PERMISSION_LIFE_S,
    Allocation,
    Allocations,
    Channel,
    Client,
    Route,
    family_of,
)
from turn.buckets import Bucket
from turn.credentials import Credentials
from turn.errors import Refused
from turn.limits import Limits
from turn.nonces import Nonces
from turn.strangers import Strangers
from turn.tally import Tally


@dataclass(frozen=True, slots=True)
class Send:
    """Hand a message to a client."""

    client: Client
    data: bytes


@dataclass(frozen=True, slots=True)
class Began:
    """A client has an allocation now: its ChannelData may go the short way, `forward`."""

    client: Client
    allocation: Allocation


@dataclass(frozen=True, slots=True)
class Ended:
    """A client has no allocation any more."""

    client: Client


Action = Send | Began | Ended


class Relay:
    """All allocations, and what is answered to whom.

    `now` is a time that never goes back and `wall` the Unix time, both in seconds.
    """

    def __init__(
        self,
        secret: bytes,
        hosts: dict[int, str],
        limits: Limits,
        now: float,
        nonces: Nonces | None = None,
    ) -> None:
        self.tally = Tally()
        self.allocations = Allocations(hosts)
        self._secret = secret
        self._nonces = nonces or Nonces()
        self._strangers = Strangers(limits.answers_per_s_and_address)
        self._bandwidth = Bucket(limits.bytes_per_s, now)
        self._allocator = Allocator(self.allocations, limits)
        self._handlers: dict[int, Callable[[_Request], list[Action]]] = {
            Method.ALLOCATE: self._allocate,
            Method.REFRESH: self._refresh,
            Method.CREATE_PERMISSION: self._create_permission,
            Method.CHANNEL_BIND: self._bind_channel,
        }

    def stop(self) -> None:
        """Make no new allocation from now on."""
        self._allocator.is_open = False

    def lose(self, client: Client) -> list[Action]:
        """Delete the allocation of a connection that ended (section 3.3)."""
        allocation = self.allocations.of.get(client)
        if allocation is None:
            return []
        self.allocations.remove(allocation)
        return [Ended(client)]

    def expire(self, now: float) -> list[Action]:
        """Drop what has ended; to be called every second or so."""
        self._strangers.expire(now)
        return [Ended(client) for client in self.allocations.expire(now)]

    def forward(self, allocation: Allocation, frame: memoryview, now: float) -> Client | None:
        """Relay ChannelData without a copy: rewrite its channel, and say who gets these bytes.

        None: this is for `receive`, which knows all cases; nothing was changed.
        """
        if len(frame) < 4:
            return None
        number, length = channel_data.HEADER.unpack_from(frame)
        route = allocation.routes.get(number)
        if route is None or route.number is None or len(frame) != length + 4:
            return None
        if not (route.user.bucket.take(length, now) and self._bandwidth.take(length, now)):
            return None
        channel_data.HEADER.pack_into(frame, 0, route.number, length)
        self.tally.packets += 1
        self.tally.octets += length
        return route.target

    def receive(self, client: Client, data: bytes, now: float, wall: float) -> list[Action]:
        """Take one message of a client."""
        if found := channel_data.parse(data):
            return self._relay_channel(client, *found, now)
        try:
            message = stun.parse(data)
        except stun.NotStun:
            return self._drop("malformed")
        if message.has(stun.DONT_FRAGMENT):  # not spoken here (section 7.2, step 4)
            message = _without_dont_fragment(message)
        if message.cls is Class.INDICATION and message.method == Method.SEND:
            return self._relay_indication(client, message, now)
        if message.cls is not Class.REQUEST:
            return self._drop("unexpected")
        if message.method == Method.BINDING:
            return self._answer_binding(client, message, now)
        handler = self._handlers.get(message.method)
        if handler is None:
            return self._drop("unexpected")
        return self._answer(handler, client, message, now, wall)

    def _answer_binding(self, client: Client, message: Message, now: float) -> list[Action]:
        """Say where a request came from, to anybody (RFC 8489, section 2)."""
        if not self._may_answer(client, now):
            return self._drop("too often")
        if message.unknown:
            return self._refuse(client, message, Refused(420, _unknown(message)), None)
        return self._succeed(client, message, None, stun.XOR_MAPPED_ADDRESS.of(client.address))

    def _answer(
        self,
        handler: "Callable[[_Request], list[Action]]",
        client: Client,
        message: Message,
        now: float,
        wall: float,
    ) -> list[Action]:
        who = None
        try:
            who = self._authenticate(client, message, now, wall)
            if message.unknown:
                raise Refused(420, _unknown(message))
            return handler(_Request(client, message, who, now))
        except Refused as why:
            if who is None and not self._may_answer(client, now):
                return self._drop("too often")
            return self._refuse(client, message, why, who)

    def _authenticate(
        self, client: Client, message: Message, now: float, wall: float
    ) -> Credentials:
        """Check long-term credentials (RFC 8489, section 9.2.4).

        Those that have ended are good for an allocation that there is already, and for no other.
        """
        if message.integrity_at is None:
            raise self._challenge(401, client, now)
        username, nonce = message.get(stun.USERNAME), message.get(stun.NONCE)
        realm = message.get(stun.REALM)
        if username is None or nonce is None or realm is None:
            raise Refused(400)
        if not self._nonces.is_fresh(nonce, client.address, now):
            raise self._challenge(438, client, now)
        found = credentials.read(self._secret, username)
        if found is None or realm != credentials.REALM or not message.integrity_ok(found.key):
            raise self._challenge(401, client, now)
        if not found.may_allocate(wall) and client not in self.allocations.of:
            raise self._challenge(401, client, now)
        return found

    def _may_answer(self, client: Client, now: float) -> bool:
        """Whether to answer without credentials: not too often to who may not have asked."""
        if not client.may_be_forged or client in self.allocations.of:
            return True
        return self._strangers.may_be_answered(client.address[0], now)

    def _challenge(self, code: int, client: Client, now: float) -> Refused:
        nonce = self._nonces.make(client.address, now)
        return Refused(code, stun.REALM.of(credentials.REALM), stun.NONCE.of(nonce))

    def _allocate(self, request: "_Request") -> list[Action]:
        """Section 7.2."""
        client, message, who, now = request.client, request.message, request.who, request.now
        allocation = self.allocations.of.get(client)
        if allocation is not None:
            if allocation.transaction_id != message.transaction_id:
                raise Refused(437)
            _check_owner(allocation, request)
            return self._done(request, *self._allocator.describe(allocation, now))
        allocation = self._allocator.allocate(client, message, who, now)
        answer = self._done(request, *self._allocator.describe(allocation, now))
        return [Began(client, allocation), *answer]

    def _refresh(self, request: "_Request") -> list[Action]:
        """Section 8.2. Past the end of its credentials, an allocation may still be refreshed."""
        allocation = self._own_allocation(request)
        life = self._allocator.refresh(allocation, request.message, request.now)
        answer = self._done(request, stun.LIFETIME.of(life))
        if allocation.relayed:
            return answer
        self.allocations.remove(allocation)
        return [*answer, Ended(request.client)]

    def _create_permission(self, request: "_Request") -> list[Action]:
        """Section 10.2; of one host or several, for all or for none."""
        allocation = self._own_allocation(request)
        peers = request.message.every(stun.XOR_PEER_ADDRESS)
        if not peers:
            raise Refused(400)
        for peer in peers:
            self._check_peer(allocation, peer)
        for peer in peers:
            self._permit(allocation, peer, request.now)
        return self._done(request)

    def _bind_channel(self, request: "_Request") -> list[Action]:
        """Section 12.2."""
        allocation = self._own_allocation(request)
        number = request.message.get(stun.CHANNEL_NUMBER)
        peer = request.message.get(stun.XOR_PEER_ADDRESS)
        if number is None or peer is None or number not in channel_data.NUMBERS:
            raise Refused(400)
        self._check_peer(allocation, peer)
        bound = allocation.channels.get(number)
        if (bound is not None and bound.peer != peer) or allocation.number_of(peer) not in (
            None,
            number,
        ):
            raise Refused(400)
        if bound is None and len(allocation.channels) >= MOST_CHANNELS:
            raise Refused(508)
        allocation.channels[number] = Channel(peer, request.now + CHANNEL_LIFE_S)
        self._permit(allocation, peer, request.now)
        if bound is None:
            self.allocations.forget_routes()
        return self._done(request)

    def _permit(self, allocation: Allocation, peer: Address, now: float) -> None:
        is_new = peer[0] not in allocation.permissions
        allocation.permissions[peer[0]] = now + PERMISSION_LIFE_S
        if is_new:
            self.allocations.forget_routes()

    def _check_peer(self, allocation: Allocation, peer: Address) -> None:
        """Refuse what is no allocation of this relay: that is what makes it closed."""
        if family_of(peer) not in allocation.relayed:
            raise Refused(443)
        if peer not in self.allocations.at:
            raise Refused(403)

    def _own_allocation(self, request: "_Request") -> Allocation:
        allocation = self.allocations.of.get(request.client)
        if allocation is None:
            raise Refused(437)
        _check_owner(allocation, request)
        return allocation

    def _relay_indication(self, client: Client, message: Message, now: float) -> list[Action]:
        """Section 11.2: what may not be sent is dropped, without a word."""
        peer, data = message.get(stun.XOR_PEER_ADDRESS), message.get(stun.DATA)
        allocation = self.allocations.of.get(client)
        if allocation is None or message.unknown or peer is None or data is None:
            return self._drop("unexpected")
        return self._relay(self.allocations.route(allocation, peer, now), data, now)

    def _relay_channel(self, client: Client, number: int, data: bytes, now: float) -> list[Action]:
        """Section 12.7, and the way for later ones is remembered."""
        allocation = self.allocations.of.get(client)
        channel = allocation.channels.get(number) if allocation else None
        if allocation is None or channel is None:
            return self._drop("unexpected")
        route = self.allocations.route(allocation, channel.peer, now)
        if route is not None and route.number is not None:
            allocation.routes[number] = route
        return self._relay(route, data, now)

    def _relay(self, route: Route | None, data: bytes, now: float) -> list[Action]:
        """Sections 11.3 and 12.7, for both ends at once: the peer is a client, too."""
        if route is None:
            return self._drop("not permitted")
        if not (route.user.bucket.take(len(data), now) and self._bandwidth.take(len(data), now)):
            return self._drop("too fast")
        self.tally.packets += 1
        self.tally.octets += len(data)
        if route.number is not None:
            return [Send(route.target, channel_data.build(route.number, data))]
        attributes = [stun.XOR_PEER_ADDRESS.of(route.sender), stun.DATA.of(data)]
        transaction_id = stun.new_transaction_id()
        indication = stun.build(Method.DATA, Class.INDICATION, transaction_id, attributes)
        return [Send(route.target, indication)]

    def _done(self, request: "_Request", *attributes: stun.Attribute) -> list[Action]:
        return self._succeed(request.client, request.message, request.who, *attributes)

    def _succeed(
        self,
        client: Client,
        message: Message,
        who: Credentials | None,
        *attributes: stun.Attribute,
    ) -> list[Action]:
        return self._respond(client, message, Class.SUCCESS, 200, attributes, who)

    def _refuse(
        self, client: Client, message: Message, why: Refused, who: Credentials | None
    ) -> list[Action]:
        return self._respond(client, message, Class.ERROR, why.code, why.attributes, who)

    def _respond(
        self,
        client: Client,
        message: Message,
        cls: Class,
        code: int,
        attributes: tuple[stun.Attribute, ...],
        who: Credentials | None,
    ) -> list[Action]:
        self.tally.answers[Method(message.method).name.lower(), code] += 1
        data = stun.build(
            message.method,
            cls,
            message.transaction_id,
            attributes,
            key=who.key if who else None,
            fingerprint=message.has_fingerprint,
        )
        return [Send(client, data)]

    def _drop(self, reason: str) -> list[Action]:
        self.tally.dropped[reason] += 1
        return []


@dataclass(frozen=True, slots=True)
class _Request:
    """A request of somebody whose credentials are good."""

    client: Client
    message: Message
    who: Credentials
    now: float


def _check_owner(allocation: Allocation, request: _Request) -> None:
    if request.who.username != allocation.credentials.username:
        raise Refused(441)  # section 5


def _unknown(message: Message) -> stun.Attribute:
    return stun.UNKNOWN_ATTRIBUTES.of(tuple(dict.fromkeys(message.unknown))[:16])


def _without_dont_fragment(message: Message) -> Message:
    return replace(message, unknown=(*message.unknown, stun.DONT_FRAGMENT.type))
