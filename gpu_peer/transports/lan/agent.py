"""The ICE-lite agent of this PC (RFC 8445, section 2.5): what each datagram means. Pure.

It never sends a check, only answers those of devices that it knows; everybody else gets silence,
so nobody learns that it is there, and nobody can be flooded by way of it. A connection is a pair of
ufrags, since a device makes its own anew for each. Time is an argument.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from gpu_peer.transports.lan.checks import is_client_hello, is_dtls, is_stun, read_check
from gpu_peer.transports.lan.replays import Replays
from protocol.stun import Address


class Credential(Protocol):
    """What a device dials with."""

    @property
    def device(self) -> str:
        """The device's id."""

    @property
    def password(self) -> str:
        """What it proves its checks with."""


class Credentials(Protocol):
    """Who may dial."""

    def find(self, ufrag: str) -> Credential | None:
        """Give the device that dials with this ufrag; None where there is none any more."""


class Path(NamedTuple):
    """A way of datagrams: an address of this PC, and address and port of the other end."""

    local: str
    remote: Address


class Key(NamedTuple):
    """Names a connection: this end's ufrag, which is the device's own, and the device's."""

    ufrag: str
    client: str


@dataclass(frozen=True)
class Limits:
    """How much there may be, and for how long. Seconds."""

    in_all: int = 128
    per_device: int = 16
    half_open: int = 64
    half_open_per_device: int = 8
    paths: int = 32
    """Of one connection: each address of the device to each of the PC."""

    open_s: float = 15.0
    """A connection has a channel within so long, or is over."""

    consent_s: float = 15.0
    """RFC 7675 allows 30 s without a check; browsers make one every 2.5 or 5 s."""

    dead_s: float = 60.0
    """So long are the ufrags of a connection that is over refused."""

    dead: int = 1024


@dataclass(frozen=True)
class Answer:
    """Send this datagram by this path."""

    path: Path
    data: bytes


@dataclass(frozen=True)
class Begin:
    """A connection has begun its DTLS handshake."""

    key: Key


@dataclass(frozen=True)
class Use:
    """Send the connection's datagrams by this path from now on."""

    key: Key
    path: Path


@dataclass(frozen=True)
class Deliver:
    """A datagram came for the connection."""

    key: Key
    data: bytes


@dataclass(frozen=True)
class End:
    """The connection is over."""

    key: Key


Effect = Answer | Begin | Use | Deliver | End


@dataclass(eq=False)
class _Connection:
    device: str
    since_s: float
    checked_s: float
    paths: set[Path] = field(default_factory=set)
    used: Path | None = None
    has_begun: bool = False
    is_open: bool = False


class Agent:
    """See the module. Tells what to do; the shell does it, in order."""

    def __init__(self, credentials: Credentials, limits: Limits | None = None) -> None:
        self._credentials = credentials
        self._limits = limits or Limits()
        self._connections: dict[Key, _Connection] = {}
        self._by_path: dict[Path, Key] = {}
        self._dead: OrderedDict[Key, float] = OrderedDict()
        self._replays = Replays()

    def __len__(self) -> int:
        return len(self._connections)

    @property
    def remembered(self) -> int:
        """How many things are remembered in all; strangers make it no more."""
        return len(self._connections) + len(self._by_path) + len(self._dead) + len(self._replays)

    def receive(self, data: bytes, path: Path, now_s: float) -> list[Effect]:
        """Take a datagram; give what to do."""
        if is_stun(data):
            return self._checked(data, path, now_s)
        if is_dtls(data):
            return self._delivered(data, path, now_s)
        return []

    def tick(self, now_s: float) -> list[Effect]:
        """Notice that time has passed, and who may not dial any more."""
        while self._dead and next(iter(self._dead.values())) <= now_s:
            self._dead.popitem(last=False)
        self._replays.keep(lambda ufrag: self._credentials.find(ufrag) is not None)
        return [End(key) for key in [*self._over(now_s)] if self.end(key, now_s)]

    def opened(self, key: Key) -> None:
        """The connection has a channel: it is half open no longer."""
        if (connection := self._connections.get(key)) is not None:
            connection.is_open = True

    def end(self, key: Key, now_s: float) -> bool:
        """Know nothing more of a connection, and refuse its ufrags for a while.

        A page may not know yet that it is over: with its checks answered it would show 'connected'
        for ever.
        """
        connection = self._connections.pop(key, None)
        if connection is None:
            return False
        for path in connection.paths:
            del self._by_path[path]
        self._dead[key] = now_s + self._limits.dead_s
        if len(self._dead) > self._limits.dead:
            self._dead.popitem(last=False)
        return True

    def lose(self, local: str) -> None:
        """An address of this PC is gone. Connections live on where they have another path."""
        for path in [path for path in self._by_path if path.local == local]:
            self._connections[self._by_path.pop(path)].paths.discard(path)

    def _checked(self, data: bytes, path: Path, now_s: float) -> list[Effect]:
        check = read_check(data)
        if check is None:
            return []
        credential = self._credentials.find(check.ufrag)
        if credential is None or not check.is_by(credential.password):
            return []
        if self._replays.is_replay(check.ufrag, check.transaction, path):
            return []
        key = Key(check.ufrag, check.client)
        connection = self._connections.get(key)
        if connection is None:
            connection = self._new(key, credential.device, path, now_s)
        if connection is None or not self._takes(connection, key, path):
            return []
        connection.checked_s = now_s
        effects: list[Effect] = [
            Answer(path, check.answer(path.remote, credential.password)),
        ]
        if check.nominates and connection.used != path:
            connection.used = path
            effects.append(Use(key, path))
        return effects

    def _delivered(self, data: bytes, path: Path, now_s: float) -> list[Effect]:
        key = self._by_path.get(path)
        if key is None:
            return []
        connection = self._connections[key]
        if connection.has_begun:
            return [Deliver(key, data)]
        if not is_client_hello(data):  # it speaks to this PC as it was before it started anew
            self.end(key, now_s)
            return []
        connection.has_begun = True
        used = [] if connection.used is None else [Use(key, connection.used)]
        return [Begin(key), *used, Deliver(key, data)]

    def _new(self, key: Key, device: str, path: Path, now_s: float) -> _Connection | None:
        """Make a connection, where there is room for it."""
        limits = self._limits
        if self._dead.get(key, now_s) > now_s or path in self._by_path:
            return None
        mine = [one for one in self._connections.values() if one.device == device]
        half = sum(not one.is_open for one in self._connections.values())
        my_half = sum(not one.is_open for one in mine)
        if len(self._connections) >= limits.in_all or len(mine) >= limits.per_device:
            return None
        if half >= limits.half_open or my_half >= limits.half_open_per_device:
            return None
        connection = self._connections[key] = _Connection(device, now_s, now_s)
        return connection

    def _takes(self, connection: _Connection, key: Key, path: Path) -> bool:
        """Have datagrams of this path mean this connection, unless they mean another."""
        if path not in connection.paths:
            if path in self._by_path or len(connection.paths) >= self._limits.paths:
                return False
            connection.paths.add(path)
            self._by_path[path] = key
        return True

    def _over(self, now_s: float) -> Iterator[Key]:
        for key, connection in self._connections.items():
            silent = now_s - connection.checked_s >= self._limits.consent_s
            late = not connection.is_open and now_s - connection.since_s >= self._limits.open_s
            if silent or late or self._credentials.find(key.ufrag) is None:
                yield key
