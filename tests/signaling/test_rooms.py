"""Nothing crosses from one room to another, in whatever order people come and go."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from protocol.accounts import User
from protocol.signaling import (
    Offer,
    PresenceChanged,
    RoomJoined,
    RoomPeer,
    SignalPosted,
)
from signaling.errors import PeerUnreachable, RoomUnknown
from signaling.rooms import Delivery, Rooms

OFFER = Offer(connection="c", sdp="v=0")


def device(peer: str, user: str = "ann") -> RoomPeer:
    return RoomPeer(id=peer, role="device", user=User(id=user, name=user))


def home(peer: str) -> RoomPeer:
    return RoomPeer(id=peer, role="home")


@pytest.fixture
def rooms() -> Rooms:
    """Ann's device and her home are in room r; the home is also in Bob's room q."""
    rooms = Rooms()
    rooms.home_came(home("H"), "h", ["r", "q"])
    rooms.device_came(device("D"), {"r": "h"})
    rooms.join("D", "r")
    return rooms


def test_a_device_and_its_home_hear_each_other(rooms: Rooms) -> None:
    assert rooms.post("D", "r", "H", OFFER) == Delivery(
        "H", SignalPosted(room="r", sender=device("D"), signal=OFFER)
    )
    assert rooms.post("H", "r", "D", OFFER) == Delivery(
        "D", SignalPosted(room="r", sender=home("H"), signal=OFFER)
    )


def test_joining_tells_both_and_again_tells_only_the_device(rooms: Rooms) -> None:
    rooms.device_came(device("E"), {"r": "h"})
    joined = Delivery("E", RoomJoined(room="r", peers=[home("H")]))
    came = Delivery("H", PresenceChanged(room="r", peer=device("E"), online=True))
    assert rooms.join("E", "r") == [joined, came]
    assert rooms.join("E", "r") == [joined]


def test_leaving_tells_the_home_once(rooms: Rooms) -> None:
    left = Delivery("H", PresenceChanged(room="r", peer=device("D"), online=False))
    assert rooms.left("D") == [left]
    assert rooms.left("D") == []
    with pytest.raises(PeerUnreachable):
        rooms.post("H", "r", "D", OFFER)


def test_a_home_that_goes_and_comes_is_seen_by_devices(rooms: Rooms) -> None:
    assert rooms.left("H") == [
        Delivery("D", PresenceChanged(room="r", peer=home("H"), online=False))
    ]
    with pytest.raises(PeerUnreachable):
        rooms.post("D", "r", "H", OFFER)
    older, told = rooms.home_came(home("H2"), "h", ["r"])
    assert older is None
    assert told == [
        Delivery("D", PresenceChanged(room="r", peer=home("H2"), online=True)),
        Delivery("H2", PresenceChanged(room="r", peer=device("D"), online=True)),
    ]


def test_the_newest_socket_of_a_home_wins(rooms: Rooms) -> None:
    older, told = rooms.home_came(home("H2"), "h", ["r"])
    assert older == "H"
    assert told[0] == Delivery("D", PresenceChanged(room="r", peer=home("H"), online=False))
    assert rooms.left("H") == []
    assert rooms.homes_online == 1
    with pytest.raises(PeerUnreachable):
        rooms.post("D", "r", "H", OFFER)
    assert rooms.post("D", "r", "H2", OFFER).to == "H2"


def test_somebody_elses_room_is_as_unknown_as_none(rooms: Rooms) -> None:
    rooms.device_came(device("B", "bob"), {"q": "h"})
    for room in ("r", "nowhere"):
        with pytest.raises(RoomUnknown):
            rooms.join("B", room)
        with pytest.raises(RoomUnknown):
            rooms.post("B", room, "D", OFFER)
        with pytest.raises(RoomUnknown):
            rooms.post("B", room, "H", OFFER)


def test_a_room_must_be_joined_before_posting(rooms: Rooms) -> None:
    rooms.device_came(device("E"), {"r": "h"})
    with pytest.raises(RoomUnknown):
        rooms.post("E", "r", "H", OFFER)
    with pytest.raises(PeerUnreachable):
        rooms.post("H", "r", "E", OFFER)


def test_two_devices_of_a_room_do_not_signal_each_other(rooms: Rooms) -> None:
    rooms.device_came(device("E"), {"r": "h"})
    rooms.join("E", "r")
    with pytest.raises(PeerUnreachable):
        rooms.post("E", "r", "D", OFFER)


def test_a_home_posts_into_its_own_rooms_only(rooms: Rooms) -> None:
    rooms.home_came(home("X"), "x", ["other"])
    for room in ("r", "nowhere"):
        with pytest.raises(RoomUnknown):
            rooms.post("X", room, "D", OFFER)
        with pytest.raises(RoomUnknown):
            rooms.join("X", room)


def test_a_home_learns_of_a_room_made_after_it_came(rooms: Rooms) -> None:
    rooms.device_came(device("N", "new"), {"fresh": "h"})
    assert rooms.join("N", "fresh")[1].to == "H"
    assert rooms.post("H", "fresh", "N", OFFER).to == "N"
    assert rooms.join("H", "fresh") == [
        Delivery("H", RoomJoined(room="fresh", peers=[device("N", "new")]))
    ]


USERS = ["ann", "bob", "eve"]
HOMES = ["h1", "h2"]
ROOM = {f"{user}-{home_id}": (user, home_id) for user in USERS for home_id in HOMES}


class AnyOrder(RuleBasedStateMachine):
    """People and homes come, go, join and post in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.rooms = Rooms()
        self.owner: dict[str, str] = {}  # of a peer: the user, or the home
        self.gone: dict[str, str] = {}
        self.joined: set[tuple[str, str]] = set()
        self.count = 0

    def _next(self, owner: str) -> str:
        self.count += 1
        self.owner[f"p{self.count}"] = owner
        return f"p{self.count}"

    def _check(self, deliveries: list[Delivery]) -> None:
        for to, message in ((d.to, d.message) for d in deliveries):
            assert self.owner[to] in ROOM[message.room], "a delivery crossed rooms"
            assert to in self.owner, "a delivery to somebody who left"
            peers = (
                message.peers
                if isinstance(message, RoomJoined)
                else [message.peer if isinstance(message, PresenceChanged) else message.sender]
            )
            for peer in peers:
                assert {self.owner_ever[peer.id], self.owner[to]} == set(ROOM[message.room])

    @property
    def owner_ever(self) -> dict[str, str]:
        return {**self.gone, **self.owner}

    @rule(user=st.sampled_from(USERS))
    def device_comes(self, user: str) -> None:
        peer = self._next(user)
        mine = {room: h for room, (u, h) in ROOM.items() if u == user}
        self.rooms.device_came(device(peer, user), mine)

    @rule(home_id=st.sampled_from(HOMES))
    def home_comes(self, home_id: str) -> None:
        peer = self._next(home_id)
        mine = [room for room, (_, h) in ROOM.items() if h == home_id]
        older, deliveries = self.rooms.home_came(home(peer), home_id, mine)
        if older:
            self.gone = {**self.gone, older: self.owner.pop(older)}
        self._check(deliveries)

    @precondition(lambda self: self.owner)
    @rule(data=st.data())
    def leaves(self, data: st.DataObject) -> None:
        peer = data.draw(st.sampled_from(sorted(self.owner)))
        self.gone = {**self.gone, peer: self.owner.pop(peer)}
        self.joined = {(p, r) for p, r in self.joined if p != peer}
        self._check(self.rooms.left(peer))

    @precondition(lambda self: self.owner)
    @rule(data=st.data(), room=st.sampled_from([*ROOM, "nowhere"]))
    def joins(self, data: st.DataObject, room: str) -> None:
        peer = data.draw(st.sampled_from(sorted(self.owner)))
        mine = self.owner[peer] in ROOM.get(room, ())
        try:
            self._check(self.rooms.join(peer, room))
        except RoomUnknown:
            assert not mine
        else:
            assert mine
            self.joined.add((peer, room))

    @precondition(lambda self: self.owner)
    @rule(data=st.data(), room=st.sampled_from([*ROOM, "nowhere"]))
    def posts(self, data: st.DataObject, room: str) -> None:
        peer = data.draw(st.sampled_from(sorted(self.owner)))
        to = data.draw(st.sampled_from([*sorted(self.owner), "nobody"]))
        pair = {self.owner[peer], self.owner.get(to)}
        device_side = peer if self.owner[peer] in USERS else to
        allowed = pair == set(ROOM.get(room, ())) and (device_side, room) in self.joined
        try:
            delivery = self.rooms.post(peer, room, to, OFFER)
        except (RoomUnknown, PeerUnreachable):
            assert not allowed
        else:
            assert allowed
            assert delivery.to == to
            self._check([delivery])

    @invariant()
    def counts_are_true(self) -> None:
        homes = sum(owner in HOMES for owner in self.owner.values())
        assert self.rooms.homes_online == homes
        assert self.rooms.devices_online == len(self.owner) - homes

    @invariant()
    def nothing_is_kept_for_the_gone(self) -> None:
        if not self.owner:
            assert not any((self.rooms._rooms, self.rooms._rooms_of_home, self.rooms._home_peers))


AnyOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestAnyOrder = AnyOrder.TestCase
