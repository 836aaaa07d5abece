"""The signaling WebSocket: authenticates, then hands messages to the rooms and back."""

import secrets
from collections.abc import Callable
from typing import Literal

import msgspec
import structlog
from aiohttp import WSCloseCode, WSMsgType, web

import protocol
from protocol import codec
from protocol.errors import Malformed, ProtocolError, TooLarge
from protocol.limits import SIGNALING_BYTES
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
    SessionRevoked,
    TooManyConnections,
)
from signaling.homes import Homes
from signaling.http.client import client_key
from signaling.limits import Bucket, Counter
from signaling.metrics import Metrics
from signaling.outbox import Outbox, error_message
from signaling.rooms import Rooms
from signaling.storage import Storage, StoredRoom
from signaling.tokens import HOME_TYPE, AccessClaims, HomeClaims, Signer, type_of

_log = structlog.get_logger("signaling.websocket")

MALFORMED_TOLERATED = 10
_CLOSE_WAIT_S = 1.0
_PONG = codec.encode(Pong())
_RECEIVE = (WSMsgType.TEXT, WSMsgType.BINARY)


class Socket(web.WebSocketResponse[Literal[False]]):
    """A WebSocket that says why before it closes on a message that is too large."""

    async def close(
        self, *, code: int = WSCloseCode.OK, message: bytes = b"", drain: bool = True
    ) -> bool:
        """Close. aiohttp calls this itself when a frame's header promises too much."""
        if code == WSCloseCode.MESSAGE_TOO_BIG and not self.closed:
            why = TooLarge(f"A message holds at most {SIGNALING_BYTES} bytes. Send less at once.")
            await self.send_frame(error_message(why), WSMsgType.TEXT)
        return await super().close(code=code, message=message, drain=drain)


class Seat(msgspec.Struct, frozen=True):
    """An authenticated peer, and whose connection it is: a session's, or a home's own."""

    peer: RoomPeer
    holder: str


class Hub:
    """Serves every signaling socket of this process."""

    def __init__(
        self,
        *,
        settings: Settings,
        storage: Storage,
        signer: Signer,
        bus: Bus,
        rooms: Rooms,
        metrics: Metrics,
        homes: Homes,
        clock: Clock,
    ) -> None:
        self._homes = homes
        self._settings = settings
        self._storage = storage
        self._signer = signer
        self._bus = bus
        self._rooms = rooms
        self._metrics = metrics
        self._clock = clock
        self._by_account = Counter(settings.limit_sockets_per_account)
        self._by_session = Counter(settings.limit_sockets_per_session)
        self._by_address = Counter(settings.limit_sockets_per_address)
        self._open: set[Outbox] = set()

    def close_all(self) -> None:
        """Close every socket of this process, authenticated or not, since it ends."""
        for outbox in self._open:
            outbox.go_away()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one socket from its opening to its end.

        Raises:
            OriginRefused: a page that is not ours opens it.
            TooManyConnections: the address holds as many as it may.
        """
        origin = request.headers.get("Origin")
        if origin is not None and origin not in self._settings.origins:
            raise OriginRefused
        address = client_key(request, self._settings)
        if not self._by_address.hold(address):
            raise TooManyConnections
        try:
            return await self._serve(request, from_page=origin is not None)
        finally:
            self._by_address.release(address)

    async def _serve(self, request: web.Request, *, from_page: bool) -> web.StreamResponse:
        socket = Socket(
            timeout=_CLOSE_WAIT_S,
            heartbeat=self._settings.heartbeat_s,
            compress=False,
            max_msg_size=SIGNALING_BYTES + 1,  # aiohttp refuses what reaches it
            decode_text=False,
        )
        await socket.prepare(request)
        outbox = Outbox(socket, self._settings.limit_send_queue, _abort(request))
        self._open.add(outbox)
        seat: Seat | None = None
        try:
            # Left behind once it returns: what only entering needs is not kept by an idle socket.
            seat = await self._enter(socket, outbox, from_page=from_page)
            await self._converse(seat, socket, outbox)
        except (Refused, ProtocolError) as why:
            self._metrics.refused.labels(why.code).inc()
            outbox.refuse(why)
        except Exception as error:
            _log.error("socket_failed", error=type(error).__name__, exc_info=True)
            outbox.refuse(Internal())
        finally:
            self._open.discard(outbox)
            if seat:
                self._leave(seat)
        await outbox.finished()
        return socket

    async def _enter(self, socket: Socket, outbox: Outbox, *, from_page: bool) -> Seat:
        claims = await self._read_claims(socket, from_page=from_page)
        peer_id = secrets.token_hex(8)
        if isinstance(claims, HomeClaims):
            seat = Seat(RoomPeer(id=peer_id, role="home"), claims.sub)
        else:
            self._hold(claims)
            seat = Seat(RoomPeer(id=peer_id, role="device", user=claims.user), claims.sid)
        # Attached before the session is looked up: revoked a moment later, it is found and closed.
        self._bus.attach(peer_id, seat.holder, outbox)
        try:
            if isinstance(claims, HomeClaims):
                await self._home_came(seat, outbox, claims)
            else:
                await self._device_came(seat, outbox, claims)
        except BaseException:
            self._leave(seat)
            raise
        _log.info("peer_came", peer=peer_id, role=seat.peer.role)
        return seat

    def _hold(self, claims: AccessClaims) -> None:
        if not self._by_account.hold(claims.sub):
            raise TooManyConnections
        if not self._by_session.hold(claims.sid):
            self._by_account.release(claims.sub)
            raise TooManyConnections

    def _leave(self, seat: Seat) -> None:
        self._bus.detach(seat.peer.id, seat.holder)
        self._bus.deliver(self._rooms.left(seat.peer.id))
        if seat.peer.user:
            self._by_account.release(seat.peer.user.id)
            self._by_session.release(seat.holder)
        _log.info("peer_left", peer=seat.peer.id, role=seat.peer.role)

    async def _read_claims(self, socket: Socket, *, from_page: bool) -> "AccessClaims | HomeClaims":
        try:
            frame = await socket.receive(timeout=self._settings.authenticate_within_s)
        except TimeoutError:
            raise NotAuthenticated from None
        if frame.type not in _RECEIVE:
            raise NotAuthenticated
        message = _decode(frame.type, frame.data)
        if not isinstance(message, Authenticate):
            raise NotAuthenticated
        codec.check_version(message.version, protocol.VERSION)
        now = self._clock.wall()
        if type_of(message.token) == HOME_TYPE:
            return self._homes.believe(message.token)
        if not from_page:
            raise OriginRefused
        return self._signer.verify(message.token, now)

    async def _home_came(self, seat: Seat, outbox: Outbox, claims: HomeClaims) -> None:
        await self._storage.name_home(claims.sub, claims.name)
        rooms = await self._storage.rooms_of_home(claims.sub)
        older, deliveries = self._rooms.home_came(
            seat.peer, claims.sub, [room.id for room in rooms]
        )
        if older:
            self._bus.close_peer(older, Replaced())
        outbox.push(_authenticated(seat.peer, rooms))
        self._bus.deliver(deliveries)

    async def _device_came(self, seat: Seat, outbox: Outbox, claims: AccessClaims) -> None:
        if not await self._storage.is_live(claims.sid, self._clock.wall()):
            raise SessionRevoked
        admitted = self._settings.homes
        rooms = [r for r in await self._storage.rooms_of_user(claims.sub) if r.home in admitted]
        self._rooms.device_came(seat.peer, {room.id: room.home for room in rooms})
        outbox.push(_authenticated(seat.peer, rooms))

    async def _converse(self, seat: Seat, socket: Socket, outbox: Outbox) -> None:
        per_s, burst = self._settings.limit_messages_per_s, self._settings.limit_message_burst
        allowance = Bucket(burst, self._clock.steady())
        patience: Bucket | None = None
        malformed = 0
        while (frame := await socket.receive()).type in _RECEIVE and not outbox.closing:
            now = self._clock.steady()
            try:
                if wait := allowance.take(burst, per_s, now):
                    patience = patience or Bucket(burst, now)
                    if patience.take(burst, 1, now):
                        raise RateLimited(retry_after=wait)
                    self._answer(outbox, RateLimited(retry_after=wait))
                    continue
                await self._handle(seat, outbox, _decode(frame.type, frame.data))
            except Malformed as why:
                malformed += 1
                if malformed >= MALFORMED_TOLERATED:
                    raise
                self._answer(outbox, why)
            except RateLimited:
                raise
            except (Refused, ProtocolError) as why:
                self._answer(outbox, why)

    def _answer(self, outbox: Outbox, why: Refused | ProtocolError) -> None:
        self._metrics.refused.labels(why.code).inc()
        outbox.push(error_message(why))

    async def _handle(self, seat: Seat, outbox: Outbox, message: ToVds) -> None:
        match message:
            case PostSignal():
                delivery = self._rooms.post(seat.peer.id, message.room, message.to, message.signal)
                self._bus.deliver((delivery,))
                self._metrics.relayed.inc()
            case JoinRoom():
                self._bus.deliver(self._rooms.join(seat.peer.id, message.room))
            case VouchForRoom():
                # A device's holder is its session, which no room has for a home.
                await self._storage.vouch(message.room, seat.holder, self._clock.wall())
            case Ping():
                outbox.push(_PONG)
            case Authenticate():
                raise AlreadyAuthenticated


def _decode(kind: WSMsgType, data: object) -> ToVds:
    if kind is not WSMsgType.TEXT or not isinstance(data, bytes):
        raise Malformed("Messages are text, not binary.")
    return codec.to_vds.decode(data)


def _authenticated(peer: RoomPeer, rooms: list[StoredRoom]) -> bytes:
    return codec.encode(
        Authenticated(
            version=protocol.VERSION,
            peer=peer.id,
            role=peer.role,
            rooms=[RoomSummary(id=room.id, home=room.home_name) for room in rooms],
        )
    )


def _abort(request: web.Request) -> Callable[[], None]:
    def abort() -> None:
        if request.transport is not None:
            request.transport.abort()

    return abort
