"""Who is in which room now, and who may hand a signal to whom. Pure: it returns what to deliver.

A room joins one person's devices to one home. A home is in all of its rooms from the moment it
comes; a device enters those that it asks for. Signals pass between a device and the home of a
room that the device is in, and nowhere else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from protocol.signaling import (
    FromVds,
    PresenceChanged,
    RoomJoined,
    RoomPeer,
    Signal,
    SignalPosted,
)
from signaling.errors import PeerUnreachable, RoomUnknown


@dataclass(frozen=True, slots=True)
class Delivery:
    """Send this message to this peer."""

    to: str
    message: FromVds


@dataclass(slots=True)
class _Device:
    peer: RoomPeer
    homes: Mapping[str, str]
    """The home of each room that the device may join."""


@dataclass(slots=True)
class _Home:
    peer: RoomPeer
    id: str
    rooms: set[str]


@dataclass(slots=True)
class _Room:
    home: str
    devices: dict[str, RoomPeer] = field(default_factory=dict)


class Rooms:
    """The rooms in which somebody is."""

    def __init__(self) -> None:
        self._devices: dict[str, _Device] = {}
        self._homes: dict[str, _Home] = {}
        self._home_peers: dict[str, _Home] = {}
        self._rooms: dict[str, _Room] = {}
        self._rooms_of_home: dict[str, set[str]] = {}

    @property
    def homes_online(self) -> int:
        """How many homes are connected."""
        return len(self._homes)

    @property
    def devices_online(self) -> int:
        """How many devices are connected."""
        return len(self._devices)

    def device_came(self, peer: RoomPeer, homes: Mapping[str, str]) -> None:
        """A device authenticated; `homes` gives the home of each room that it may join."""
        self._devices[peer.id] = _Device(peer, homes)

    def home_came(
        self, peer: RoomPeer, home: str, rooms: Iterable[str]
    ) -> tuple[str | None, list[Delivery]]:
        """A home authenticated, perhaps again: then the older peer's id is given, to be closed."""
        older = self._homes.get(home)
        deliveries = self.left(older.peer.id) if older else []
        here = _Home(peer, home, set(rooms))
        self._homes[home] = self._home_peers[peer.id] = here
        for room in self._rooms_of_home.get(home, ()):
            here.rooms.add(room)
            for device in self._rooms[room].devices.values():
                deliveries.append(_presence(device.id, room, peer, online=True))
                deliveries.append(_presence(peer.id, room, device, online=True))
        return (older.peer.id if older else None), deliveries

    def join(self, peer: str, room: str) -> list[Delivery]:
        """Let a device into a room of its own; a home is in already. Twice changes nothing.

        Raises:
            RoomUnknown: no such room, or somebody else's.
        """
        if present := self._home_peers.get(peer):
            if room not in present.rooms:
                raise RoomUnknown
            devices = self._rooms[room].devices.values() if room in self._rooms else ()
            return [Delivery(peer, RoomJoined(room=room, peers=list(devices)))]
        device = self._devices.get(peer)
        if device is None or room not in device.homes:
            raise RoomUnknown
        home_id = device.homes[room]
        inside = self._rooms.setdefault(room, _Room(home_id)).devices
        new = peer not in inside
        inside[peer] = device.peer
        self._rooms_of_home.setdefault(home_id, set()).add(room)
        home = self._homes.get(home_id)
        joined = RoomJoined(room=room, peers=[home.peer] if home else [])
        deliveries = [Delivery(peer, joined)]
        if home:
            home.rooms.add(room)
            if new:
                deliveries.append(_presence(home.peer.id, room, device.peer, online=True))
        return deliveries

    def post(self, peer: str, room: str, to: str, signal: Signal) -> Delivery:
        """Pass a signal on, with the sender as it was authenticated.

        Raises:
            RoomUnknown: the sender is not in such a room.
            PeerUnreachable: the receiver is not in the room now, or is a device like the sender.
        """
        inside = self._rooms.get(room)
        if home := self._home_peers.get(peer):
            if room not in home.rooms:
                raise RoomUnknown
            if inside is None or to not in inside.devices:
                raise PeerUnreachable
            return Delivery(to, SignalPosted(room=room, sender=home.peer, signal=signal))
        if inside is None or peer not in inside.devices:
            raise RoomUnknown
        home = self._homes.get(inside.home)
        if home is None or home.peer.id != to:
            raise PeerUnreachable
        sender = inside.devices[peer]
        return Delivery(to, SignalPosted(room=room, sender=sender, signal=signal))

    def left(self, peer: str) -> list[Delivery]:
        """A peer is gone from everywhere. Of an unknown peer, or again: nothing."""
        if home := self._home_peers.pop(peer, None):
            del self._homes[home.id]
            return [
                _presence(device, room, home.peer, online=False)
                for room in self._rooms_of_home.get(home.id, ())
                for device in self._rooms[room].devices
            ]
        device = self._devices.pop(peer, None)
        deliveries = []
        for room, home_id in device.homes.items() if device else ():
            if room in self._rooms and (gone := self._rooms[room].devices.pop(peer, None)):
                self._drop_if_empty(room)
                if present := self._homes.get(home_id):
                    deliveries.append(_presence(present.peer.id, room, gone, online=False))
        return deliveries

    def _drop_if_empty(self, room: str) -> None:
        if self._rooms[room].devices:
            return
        home = self._rooms.pop(room).home
        self._rooms_of_home[home].discard(room)
        if not self._rooms_of_home[home]:
            del self._rooms_of_home[home]


def _presence(to: str, room: str, peer: RoomPeer, *, online: bool) -> Delivery:
    return Delivery(to, PresenceChanged(room=room, peer=peer, online=online))
