"""What a client and the VDS say over the signaling WebSocket.

A room introduces one person's devices to one home PC. The VDS sees who is in which room and the
session descriptions that they exchange, never a chat.
"""

from typing import Annotated, Literal

import msgspec

from protocol import limits
from protocol.accounts import User
from protocol.base import Count, Message, Name, Record
from protocol.errors import ErrorCode

Role = Literal["device", "home"]
PeerId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
RoomId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Sdp = Annotated[str, msgspec.Meta(min_length=1, max_length=limits.SDP_CHARS)]
Token = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]


class Offer(Message, frozen=True, kw_only=True):
    """A session description that opens a connection (RFC 8829)."""

    connection: Name
    sdp: Sdp


class Answer(Message, frozen=True, kw_only=True):
    """The description that accepts the offer of the same connection."""

    connection: Name
    sdp: Sdp


class Candidate(Message, frozen=True, kw_only=True):
    """One trickled ICE candidate (RFC 8838) of the offering side."""

    connection: Name
    candidate: Annotated[str, msgspec.Meta(max_length=1024)]
    sdp_mid: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    sdp_mline_index: Count | None = None


class Refusal(Message, frozen=True, kw_only=True):
    """The other peer will not open this connection."""

    connection: Name
    code: ErrorCode
    message: str


Signal = Offer | Answer | Candidate | Refusal


class RoomSummary(Record, frozen=True, kw_only=True):
    """A room that the authenticated peer may join."""

    id: RoomId
    home: Name


class RoomPeer(Record, frozen=True, kw_only=True):
    """A peer that is in a room now. `user` is whose device it is; a home has none."""

    id: PeerId
    role: Role
    user: User | None = None


# client to VDS


class Authenticate(Message, frozen=True, kw_only=True):
    """The first message on the socket: an access token, or a home's signed assertion."""

    version: Count
    token: Token


class JoinRoom(Message, frozen=True, kw_only=True):
    """Enter a room of mine. Homes are in all of their rooms from the start."""

    room: RoomId


class PostSignal(Message, frozen=True, kw_only=True):
    """Hand a signal to another peer of the room."""

    room: RoomId
    to: PeerId
    signal: Signal


class VouchForRoom(Message, frozen=True, kw_only=True):
    """A home says that it knows a device of this room's person: they may use the relay."""

    room: RoomId


class Ping(Message, frozen=True, kw_only=True):
    """Is anybody there? A page cannot send a WebSocket ping of its own."""


# VDS to client


class Authenticated(Message, frozen=True, kw_only=True):
    """The token was good."""

    version: Count
    peer: PeerId
    role: Role
    rooms: list[RoomSummary]


class RoomJoined(Message, frozen=True, kw_only=True):
    """You are in; these peers are there already."""

    room: RoomId
    peers: list[RoomPeer]


class PresenceChanged(Message, frozen=True, kw_only=True):
    """A peer came into a room that you are in, or left it."""

    room: RoomId
    peer: RoomPeer
    online: bool


class SignalPosted(Message, frozen=True, kw_only=True):
    """A signal from another peer of the room; `sender` is as the VDS authenticated it."""

    room: RoomId
    sender: RoomPeer
    signal: Signal


class Pong(Message, frozen=True, kw_only=True):
    """Somebody is."""


class SignalingError(Message, frozen=True, kw_only=True, tag="error"):
    """What you sent was refused."""

    code: ErrorCode
    message: str
    retry_after_s: Count | None = None


ToVds = Authenticate | JoinRoom | PostSignal | VouchForRoom | Ping
FromVds = Authenticated | RoomJoined | PresenceChanged | SignalPosted | Pong | SignalingError
