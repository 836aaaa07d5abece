"""Who sits at the signaling server: authenticates them, then hands messages to the rooms and back.

It knows nothing of how a client and the server hear each other: `websocket` and `polling` give it
an `Outbox` to send by and hand it each message that comes, so both have the same guarantees.
"""

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import structlog

import protocol
from protocol import codec
from protocol.errors import Malformed, ProtocolError
from protocol.signaling import (
    Authenticate,
    Authenticated,
    JoinRoom,
    Ping,
    Pong,
    PostSignal,
    RoomPeer,
    RoomSummary,
    ToVds,
    VouchForRoom,
)
from signaling.bus import Bus
from signaling.clock import Clock
from signaling.config import Settings
from signaling.errors import (
    AlreadyAuthenticated,
    Internal,
    NotAuthenticated,
    OriginRefused,
    RateLimited,
    Refused,
    Replaced,
    RoomUnknown,
    SessionRevoked,
    TooManyConnections,
)
from signaling.homes import Homes
from signaling.limits import Bucket, Counter
from signaling.metrics import Metrics
from signaling.outbox import Outbox, error_message
from signaling.rooms import Rooms
from signaling.storage import Storage, StoredRoom
from signaling.tokens import HOME_TYPE, AccessClaims, HomeClaims, Signer, type_of

_log = structlog.get_logger("signaling.hub")

MALFORMED_TOLERATED = 10
_PONG = codec.encode(Pong())


@dataclass(slots=True)
class Seat:
    """An authenticated peer, whose it is (a session's, or a home's own), and what it may send."""

    peer: RoomPeer
    holder: str
    outbox: Outbox
    allowance: Bucket
    patience: Bucket | None = None
    malformed: int = 0


class Hub:
    """Serves every signaling client of this process."""

    def __init__(
        self,
        *,
        settings: Settings,
        storage: Storage,
        signer: Signer,
        homes: Homes,
        bus: Bus,
        rooms: Rooms,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._signer = signer
        self._homes = homes
        self._bus = bus
        self._rooms = rooms
        self._metrics = metrics
        self._clock = clock
        self._by_account = Counter(settings.limit_sockets_per_account)
        self._by_session = Counter(settings.limit_sockets_per_session)
        self._by_address = Counter(settings.limit_sockets_per_address)
        self._open: set[Outbox] = set()

    def close_all(self) -> None:
        """Close every connection of this process, authenticated or not, since it ends."""
        for outbox in self._open:
            outbox.go_away()

    def open(self, address: str, outbox: Outbox) -> None:
        """Take in a connection from an address, until `shut`.

        Raises:
            TooManyConnections: the address holds as many as it may.
        """
        if not self._by_address.hold(address):
            raise TooManyConnections
        self._open.add(outbox)

    def shut(self, address: str, outbox: Outbox) -> None:
        """Forget a connection."""
        self._open.discard(outbox)
        self._by_address.release(address)

    @contextlib.contextmanager
    def explain(self, outbox: Outbox) -> Iterator[None]:
        """Tell a client why, and close, where something inside ends its connection."""
        try:
            yield
        except (Refused, ProtocolError) as why:
            self._metrics.refused.labels(why.code).inc()
            outbox.refuse(why)
        except Exception as error:
            _log.error("connection_failed", error=type(error).__name__, exc_info=True)
            outbox.refuse(Internal())

    async def enter(self, outbox: Outbox, first: bytes | None, *, from_page: bool) -> Seat:
        """Seat whoever the first message authenticates; None stands for what is no text.

        Raises:
            NotAuthenticated, TokenInvalid, TokenExpired, SessionRevoked: it does not.
            OriginRefused: a device, but not on a page of ours.
            TooManyConnections: of this session or this account.
            ProtocolError: it is no message, or of another version.
        """
        claims = self._read_claims(first, from_page=from_page)
        peer_id = secrets.token_hex(8)
        now = self._clock.steady()
        allowance = Bucket(self._settings.limit_message_burst, now)
        if isinstance(claims, HomeClaims):
            seat = Seat(RoomPeer(id=peer_id, role="home"), claims.sub, outbox, allowance)
        else:
            self._hold(claims)
            peer = RoomPeer(id=peer_id, role="device", user=claims.user)
            seat = Seat(peer, claims.sid, outbox, allowance)
        # Attached before the session is looked up: revoked a moment later, it is found and closed.
        self._bus.attach(peer_id, seat.holder, outbox)
        try:
            if isinstance(claims, HomeClaims):
                await self._home_came(seat, claims)
            else:
                await self._device_came(seat, claims)
        except BaseException:
            self.leave(seat)
            raise
        _log.info("peer_came", peer=peer_id, role=seat.peer.role)
        return seat

    async def take(self, seat: Seat, text: bytes | None) -> None:
        """Do what a message says, or answer why not; None stands for what is no text.

        Raises:
            RateLimited, Malformed: once too often; the connection has to end.
        """
        per_s, burst = self._settings.limit_messages_per_s, self._settings.limit_message_burst
        now = self._clock.steady()
        if wait := seat.allowance.take(burst, per_s, now):
            why = RateLimited(retry_after=wait)
            seat.patience = seat.patience or Bucket(burst, now)
            if seat.patience.take(burst, 1, now):
                raise why
            return self._answer(seat, why)
        try:
            await self._handle(seat, _decode(text))
        except Malformed as error:
            seat.malformed += 1
            if seat.malformed >= MALFORMED_TOLERATED:
                raise
            self._answer(seat, error)
        except (Refused, ProtocolError) as error:
            self._answer(seat, error)

    def leave(self, seat: Seat) -> None:
        """Take a peer out of everything."""
        self._bus.detach(seat.peer.id, seat.holder)
        self._bus.deliver(self._rooms.left(seat.peer.id))
        if seat.peer.user:
            self._by_account.release(seat.peer.user.id)
            self._by_session.release(seat.holder)
        _log.info("peer_left", peer=seat.peer.id, role=seat.peer.role)

    def _hold(self, claims: AccessClaims) -> None:
        if not self._by_account.hold(claims.sub):
            raise TooManyConnections
        if not self._by_session.hold(claims.sid):
            self._by_account.release(claims.sub)
            raise TooManyConnections

    def _read_claims(self, text: bytes | None, *, from_page: bool) -> AccessClaims | HomeClaims:
        message = _decode(text)
        if not isinstance(message, Authenticate):
            raise NotAuthenticated
        codec.check_version(message.version, protocol.VERSION)
        if type_of(message.token) == HOME_TYPE:
            return self._homes.believe(message.token)
        if not from_page:
            raise OriginRefused
        return self._signer.verify(message.token, self._clock.wall())

    async def _home_came(self, seat: Seat, claims: HomeClaims) -> None:
        await self._storage.name_home(claims.sub, claims.name)
        rooms = await self._storage.rooms_of_home(claims.sub)
        older, deliveries = self._rooms.home_came(
            seat.peer, claims.sub, [room.id for room in rooms]
        )
        if older:
            self._bus.close_peer(older, Replaced())
        seat.outbox.push(_authenticated(seat.peer, rooms))
        self._bus.deliver(deliveries)

    async def _device_came(self, seat: Seat, claims: AccessClaims) -> None:
        if not await self._storage.is_live(claims.sid, self._clock.wall()):
            raise SessionRevoked
        admitted = self._settings.homes
        rooms = [r for r in await self._storage.rooms_of_user(claims.sub) if r.home in admitted]
        self._rooms.device_came(seat.peer, {room.id: room.home for room in rooms})
        seat.outbox.push(_authenticated(seat.peer, rooms))

    def _answer(self, seat: Seat, why: Refused | ProtocolError) -> None:
        self._metrics.refused.labels(why.code).inc()
        seat.outbox.push(error_message(why))

    async def _handle(self, seat: Seat, message: ToVds) -> None:
        peer = seat.peer.id
        match message:
            case PostSignal():
                delivery = self._rooms.post(peer, message.room, message.to, message.signal)
                self._bus.deliver((delivery,))
                self._metrics.relayed.inc()
            case JoinRoom():
                self._bus.deliver(self._rooms.join(peer, message.room))
            case VouchForRoom():
                if seat.peer.role != "home":
                    raise RoomUnknown
                await self._storage.vouch(message.room, seat.holder, self._clock.wall())
            case Ping():
                seat.outbox.push(_PONG)
            case Authenticate():
                raise AlreadyAuthenticated


def _decode(text: bytes | None) -> ToVds:
    if text is None:
        raise Malformed("Messages are text, not binary.")
    return codec.to_vds.decode(text)


def _authenticated(peer: RoomPeer, rooms: list[StoredRoom]) -> bytes:
    return codec.encode(
        Authenticated(
            version=protocol.VERSION,
            peer=peer.id,
            role=peer.role,
            rooms=[RoomSummary(id=room.id, home=room.home_name) for room in rooms],
        )
    )
