"""What datagrams mean to the PC's LAN port: no sockets, and time that only the tests move."""

import secrets
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_peer.transports.lan.agent import (
    Agent,
    Answer,
    Begin,
    Deliver,
    Effect,
    End,
    Key,
    Limits,
    Path,
    Use,
)
from gpu_peer.transports.lan.checks import is_client_hello
from gpu_peer.transports.lan.replays import Replays
from protocol import stun
from tests.gpu_peer.support.lan import CLIENT_HELLO, DATA, check

HERE = "192.168.1.2"
PHONE = Path(HERE, ("192.168.1.10", 5000))
LAPTOP = Path(HERE, ("192.168.1.11", 5000))
PASSWORD = "p" * 24
LIMITS = Limits()


@dataclass(frozen=True)
class Known:
    device: str
    password: str = PASSWORD


@dataclass
class Book:
    """Devices by ufrag; each is called like its ufrag."""

    known: dict[str, Known] = field(default_factory=dict)

    def find(self, ufrag: str) -> Known | None:
        return self.known.get(ufrag)


def book(*ufrags: str) -> Book:
    return Book({ufrag: Known(ufrag) for ufrag in ufrags})


def agent(*ufrags: str, limits: Limits = LIMITS) -> Agent:
    return Agent(book(*ufrags or ("phone",)), limits)


def is_answered(effects: list[Effect]) -> bool:
    return any(isinstance(effect, Answer) for effect in effects)


def knock(
    agent: Agent,
    ufrag: str = "phone",
    client: str = "c1",
    path: Path = PHONE,
    now_s: float = 0.0,
    nominate: bool = True,
) -> bool:
    """Make a check; whether it was answered."""
    data = check(ufrag, PASSWORD, client, nominate=nominate)
    return is_answered(agent.receive(data, path, now_s))


def begin(
    agent: Agent, ufrag: str = "phone", client: str = "c1", path: Path = PHONE, now_s: float = 0.0
) -> Key:
    assert knock(agent, ufrag, client, path, now_s)
    key = Key(ufrag, client)
    assert Begin(key) in agent.receive(CLIENT_HELLO, path, now_s)
    return key


def test_a_check_of_a_known_device_is_answered_as_a_browser_wants_it() -> None:
    request = check("phone", PASSWORD, "c1", transaction=b"t" * 12)
    answer, use = agent().receive(request, PHONE, 0.0)
    assert use == Use(Key("phone", "c1"), PHONE)
    assert isinstance(answer, Answer)
    assert answer.path == PHONE
    said = stun.parse(answer.data)
    assert (said.method, said.cls, said.transaction_id) == (1, stun.Class.SUCCESS, b"t" * 12)
    assert said.get(stun.XOR_MAPPED_ADDRESS) == PHONE.remote
    assert said.integrity_ok(PASSWORD.encode())
    assert said.has_fingerprint
    assert len(answer.data) < len(request), "nobody is flooded by way of this port"


def without_fingerprint() -> bytes:
    username = stun.USERNAME.of("phone:c1")
    key = PASSWORD.encode()
    return stun.build(1, stun.Class.REQUEST, b"t" * 12, [username], key=key)


def of_kind(method: int, cls: stun.Class) -> bytes:
    username = stun.USERNAME.of("phone:c1")
    key = PASSWORD.encode()
    return stun.build(method, cls, b"t" * 12, [username], key=key, fingerprint=True)


def without_integrity() -> bytes:
    username = stun.USERNAME.of("phone:c1")
    return stun.build(1, stun.Class.REQUEST, b"t" * 12, [username], fingerprint=True)


def with_something_new() -> bytes:
    """A message may have what has to be understood to answer it (RFC 8489, section 14)."""
    new = stun.Kind(0x7777, "NEW", lambda value, _: value, lambda value, _: value).of(b"new!")
    key = PASSWORD.encode()
    attributes: list[stun.Attribute[Any]] = [stun.USERNAME.of("phone:c1"), new]
    return stun.build(1, stun.Class.REQUEST, b"t" * 12, attributes, key=key, fingerprint=True)


SILENCED = {
    "something new": with_something_new(),
    "wrong password": check("phone", "q" * 24),
    "unknown ufrag": check("stranger", PASSWORD),
    "no password": without_integrity(),
    "no fingerprint": without_fingerprint(),
    "only one ufrag": check("phone", PASSWORD, ""),
    "an indication": of_kind(1, stun.Class.INDICATION),
    "a response": of_kind(1, stun.Class.SUCCESS),
    "an allocation": of_kind(3, stun.Class.REQUEST),
    "cut off": check("phone", PASSWORD)[:-4],
    "DTLS": CLIENT_HELLO,
    "old DTLS": DATA,
    "RTP": b"\x80" + bytes(40),
    "nothing": b"",
}


@pytest.mark.parametrize("data", SILENCED.values(), ids=SILENCED.keys())
def test_everybody_else_gets_silence_and_leaves_no_trace(data: bytes) -> None:
    lite = agent()
    assert lite.receive(data, PHONE, 0.0) == []
    assert lite.remembered == 0


@given(st.binary(max_size=200))
def test_garbage_gets_silence_and_leaves_no_trace(data: bytes) -> None:
    lite = agent()
    for start in (b"", b"\0\x01", CLIENT_HELLO[:14]):
        assert lite.receive(start + data, PHONE, 0.0) == []
    assert lite.remembered == 0


@given(st.data())
def test_a_check_with_any_byte_changed_gets_silence(data: st.DataObject) -> None:
    sound = bytearray(check("phone", PASSWORD, transaction=b"t" * 12))
    at = data.draw(st.integers(0, len(sound) - 1))
    sound[at] ^= data.draw(st.integers(1, 255))
    lite = agent()
    assert lite.receive(bytes(sound), PHONE, 0.0) == []
    assert lite.remembered == 0


def test_datagrams_of_a_connection_are_delivered_once_its_handshake_begins() -> None:
    lite = agent()
    key = begin(lite)
    assert lite.receive(DATA, PHONE, 0.0) == [Deliver(key, DATA)]
    assert lite.receive(DATA, LAPTOP, 0.0) == [], "by a path that was not checked"


def test_a_handshake_that_comes_before_the_nomination_waits_for_it() -> None:
    lite = agent()
    assert knock(lite, nominate=False)
    key = Key("phone", "c1")
    assert lite.receive(CLIENT_HELLO, PHONE, 0.0) == [Begin(key), Deliver(key, CLIENT_HELLO)]
    assert Use(key, PHONE) in lite.receive(check("phone", PASSWORD, "c1"), PHONE, 0.0)


@pytest.mark.parametrize(
    "first",
    [
        DATA,
        CLIENT_HELLO[:13],
        CLIENT_HELLO.replace(b"\xff\0\0", b"\xff\0\x01"),
        CLIENT_HELLO[:13] + b"\x02" + CLIENT_HELLO[14:],
    ],
    ids=["data", "cut off", "of a later epoch", "another message"],
)
def test_a_connection_of_before_the_restart_is_refused_and_dead_for_a_minute(first: bytes) -> None:
    lite = agent()
    assert not is_client_hello(first)
    assert knock(lite)
    assert lite.receive(first, PHONE, 0.0) == []
    assert not knock(lite, now_s=1.0), "its page is to notice"
    assert lite.receive(CLIENT_HELLO, PHONE, 1.0) == []
    assert knock(lite, client="c2", now_s=1.0), "a new dial of the same device"
    lite.end(Key("phone", "c2"), 1.0)
    lite.tick(LIMITS.dead_s)
    assert knock(lite, now_s=LIMITS.dead_s)


def test_a_check_again_by_the_same_path_is_answered_and_by_another_is_not() -> None:
    lite = agent()
    once = check("phone", PASSWORD, "c1")
    assert is_answered(lite.receive(once, PHONE, 0.0))
    before = lite.remembered
    assert is_answered(lite.receive(once, PHONE, 0.5)), "its answer was lost"
    assert lite.receive(once, LAPTOP, 0.5) == []
    assert lite.receive(once, Path("192.168.2.2", PHONE.remote), 0.5) == []
    assert lite.remembered == before


def test_an_overheard_check_does_not_lead_a_connection_astray() -> None:
    lite = agent()
    key = begin(lite)
    overheard = check("phone", PASSWORD, "c1")
    lite.receive(overheard, PHONE, 0.0)
    lite.receive(overheard, LAPTOP, 0.0)
    assert lite.receive(DATA, LAPTOP, 0.0) == []
    assert lite.receive(DATA, PHONE, 0.0) == [Deliver(key, DATA)]


def test_what_is_remembered_of_a_devices_checks_is_bounded_and_goes_with_it() -> None:
    known = book("phone", "laptop")
    lite = Agent(known)
    for _ in range(3000):
        knock(lite)
    assert lite.remembered < 1100
    del known.known["phone"]
    lite.tick(0.0)
    assert lite.remembered == 1, "that its connection is over"


def test_the_oldest_check_is_forgotten_first() -> None:
    replays = Replays(capacity=2)
    for name in (b"a", b"b", b"c"):
        assert not replays.is_replay("phone", name, PHONE)
    assert replays.is_replay("phone", b"b", LAPTOP)
    assert not replays.is_replay("laptop", b"b", LAPTOP), "another device's"
    assert not replays.is_replay("phone", b"a", LAPTOP)


def test_a_connection_goes_on_by_the_path_that_was_nominated_last() -> None:
    lite = agent()
    key = begin(lite)
    wifi = Path("192.168.1.3", ("192.168.1.20", 6000))
    unasked = lite.receive(check("phone", PASSWORD, "c1", nominate=False), wifi, 0.0)
    assert is_answered(unasked)
    assert not any(isinstance(effect, Use) for effect in unasked)
    assert Use(key, wifi) in lite.receive(check("phone", PASSWORD, "c1"), wifi, 0.0)
    assert lite.receive(DATA, wifi, 0.0) == [Deliver(key, DATA)]
    assert lite.receive(DATA, PHONE, 0.0) == [Deliver(key, DATA)], "what was on the way"


def test_nobody_takes_the_path_of_another_connection() -> None:
    lite = agent("phone", "laptop")
    key = begin(lite)
    assert not knock(lite, "laptop", "c9", PHONE)
    begin(lite, "laptop", "c9", LAPTOP)
    assert not knock(lite, "laptop", "c9", PHONE)
    assert lite.receive(DATA, PHONE, 0.0) == [Deliver(key, DATA)]


def test_a_connection_has_only_so_many_paths() -> None:
    lite = agent(limits=Limits(paths=2))
    paths = [Path(HERE, ("192.168.1.10", port)) for port in range(3)]
    assert [knock(lite, path=path) for path in paths] == [True, True, False]


def dials(lite: Agent, *ufrags: str) -> list[bool]:
    """Whether a dial of each is answered, each from a place of its own."""
    return [
        knock(lite, ufrag, f"c{number}", Path(HERE, ("192.168.1.10", 6000 + number)))
        for number, ufrag in enumerate(ufrags)
    ]


def test_half_open_connections_are_so_many_in_all_and_of_a_device() -> None:
    lite = agent("a", "b", "c", limits=Limits(half_open=3, half_open_per_device=2))
    assert dials(lite, "a", "a", "a", "b", "c") == [True, True, False, True, False]


def test_who_has_a_channel_counts_as_half_open_no_longer() -> None:
    lite = agent("a", "b", limits=Limits(half_open=1, in_all=2))
    lite.opened(begin(lite, "a", "c1", PHONE))
    lite.opened(begin(lite, "b", "c1", LAPTOP))
    assert dials(lite, "a") == [False], "no more in all"


def test_a_device_has_only_so_many_connections() -> None:
    lite = agent("a", "b", limits=Limits(per_device=1))
    lite.opened(begin(lite, "a", "c1", PHONE))
    assert dials(lite, "a", "b") == [False, True]


def test_a_connection_without_checks_is_over() -> None:
    lite = agent()
    key = begin(lite)
    lite.opened(key)
    assert knock(lite, now_s=10.0)
    assert lite.tick(10.0 + LIMITS.consent_s - 0.1) == []
    assert lite.tick(10.0 + LIMITS.consent_s) == [End(key)]
    assert lite.receive(DATA, PHONE, 30.0) == []


def test_a_connection_without_a_channel_is_over_though_its_checks_go_on() -> None:
    lite = agent()
    key = begin(lite)
    for now_s in range(15):
        assert knock(lite, now_s=now_s)
        assert lite.tick(now_s) == []
    assert lite.tick(LIMITS.open_s) == [End(key)]
    assert not knock(lite, now_s=LIMITS.open_s)


def test_a_removed_device_gets_silence_at_once() -> None:
    known = book("phone")
    lite = Agent(known)
    key = begin(lite)
    del known.known["phone"]
    assert not knock(lite)
    assert not knock(lite, client="c2")
    assert lite.tick(0.0) == [End(key)]
    assert len(lite) == 0


def test_an_address_that_goes_takes_only_its_paths_along() -> None:
    lite = agent()
    key = begin(lite)
    wired = Path("10.0.0.2", PHONE.remote)
    assert knock(lite, path=wired, nominate=False)
    lite.lose(HERE)
    assert lite.receive(DATA, PHONE, 0.0) == []
    assert lite.receive(DATA, wired, 0.0) == [Deliver(key, DATA)]
    assert Use(key, wired) in lite.receive(check("phone", PASSWORD, "c1"), wired, 0.0)


def test_what_is_remembered_of_the_dead_is_bounded() -> None:
    lite = agent(limits=Limits(dead=10))
    for number in range(30):
        client = secrets.token_hex(4)
        assert knock(lite, client=client, path=Path(HERE, ("192.168.1.10", number)))
        lite.end(Key("phone", client), 0.0)
    assert lite.remembered == 10 + 30
