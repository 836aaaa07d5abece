"""Whatever strangers send: no crash, no growth, and no word beyond the standard's."""

import asyncio
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import stun
from protocol.stun import Class, Method
from tests.turn.caller import HOSTS, LIMITS, UDP, Caller, code, make_relay, pair
from turn import channel_data
from turn.clients import perform
from turn.errors import BadFraming
from turn.limits import StreamLimits
from turn.relay import Relay
from turn.streams import Connections, StreamClient

CHALLENGES = {400, 401, 420, 438}
TYPES = [*range(0x30), 0x8000, 0x8001, *range(0x8020, 0x802C)]

attributes = st.lists(st.tuples(st.sampled_from(TYPES), st.binary(max_size=24)), max_size=6)
words = st.sampled_from(
    [stun.build(method, cls, bytes(12))[:2] for method in (*Method, 0x00A, 0x0FF) for cls in Class]
)


def raw(start: bytes, given_attributes: list[tuple[int, bytes]]) -> bytes:
    body = b"".join(
        struct.pack("!HH", type_, len(value)) + value + bytes(-len(value) % 4)
        for type_, value in given_attributes
    )
    return start + struct.pack("!H4s12s", len(body), stun.COOKIE, b"t" * 12) + body


messages = st.builds(raw, words, attributes)
channel_messages = st.builds(channel_data.build, st.integers(0, 0xFFFF), st.binary(max_size=60))
noise = st.one_of(st.binary(max_size=80), messages, channel_messages)


@given(st.lists(noise, max_size=8))
def test_strangers_get_challenges_and_leave_nothing_behind(came: list[bytes]) -> None:
    relay = make_relay()
    stranger = Caller(relay)
    for data in came:
        stranger.say(data)
        answers = stranger.got()
        assert len(answers) <= 1
        for answer in answers:
            message = stun.parse(answer)
            if message.cls is Class.SUCCESS:
                assert message.method == Method.BINDING
                assert len(answer) <= 20 + 12 + 8
            else:
                assert message.cls is Class.ERROR
                assert code(message) in CHALLENGES
                assert len(answer) <= 200
            assert message.transaction_id == data[8:20]
    assert_empty(relay)


@given(st.lists(st.tuples(noise, st.integers(0, 2000)), max_size=8))
def test_a_client_that_is_known_may_send_anything(came: list[tuple[bytes, int]]) -> None:
    relay = make_relay()
    anna, at_anna, home, at_home = pair(relay)
    anna.bind(0x4001, at_home)
    home.bind(0x4002, at_anna)
    for data, later in came:
        anna.now = home.now = anna.now + later / 100
        anna.say(data)
        if anna.allocation is not None:
            relay.forward(anna.allocation, memoryview(bytearray(data)), anna.now)
        perform(relay.expire(anna.now))
    assert_bounded(relay)


requests = st.tuples(
    st.sampled_from(
        [Method.ALLOCATE, Method.REFRESH, Method.CREATE_PERMISSION, Method.CHANNEL_BIND]
    ),
    st.lists(
        st.one_of(
            st.just(UDP),
            st.builds(stun.LIFETIME.of, st.integers(0, 2**32 - 1)),
            st.builds(stun.EVEN_PORT.of, st.integers(0, 255)),
            st.builds(stun.REQUESTED_ADDRESS_FAMILY.of, st.integers(0, 3)),
            st.builds(stun.ADDITIONAL_ADDRESS_FAMILY.of, st.integers(0, 3)),
            st.builds(stun.CHANNEL_NUMBER.of, st.integers(0x3FFE, 0x5001)),
            st.builds(stun.RESERVATION_TOKEN.of, st.binary(min_size=8, max_size=8)),
            st.builds(
                lambda host, port: stun.XOR_PEER_ADDRESS.of((host, port)),
                st.sampled_from([*HOSTS.values(), "127.0.0.1", "::ffff:127.0.0.1"]),
                st.integers(0, 65_535),
            ),
        ),
        max_size=5,
    ),
    st.integers(0, 3),
    st.integers(0, 400),
)


@given(st.lists(requests, max_size=20))
def test_somebody_with_credentials_stays_within_their_limits(
    came: list[tuple[Method, list[stun.Attribute], int, int]],
) -> None:
    relay = make_relay()
    callers = [Caller(relay, address=("198.51.100.1", port)) for port in range(1, 5)]
    now = callers[0].now
    for method, asked, which, later in came:
        now += later
        caller = callers[which]
        caller.now, caller.nonce = now, None
        caller.request(method, *asked)
        perform(relay.expire(now))
        assert_bounded(relay)
    relay.stop()
    perform(relay.expire(now + 4_000))
    perform(relay.expire(now + 4_010))
    assert_empty(relay)


def test_hundreds_of_challenges_are_remembered_by_nobody() -> None:
    relay = make_relay()
    for port in range(500):
        caller = Caller(relay, address=("198.51.100.1", port))
        caller.say(stun.build(Method.ALLOCATE, Class.REQUEST, bytes(12)))
    assert_empty(relay)


class Wire(asyncio.Transport):
    """A transport that keeps what is written, as a socket's other end would."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.is_open = True
        self.ended = asyncio.Event()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return not self.is_open

    def abort(self) -> None:
        self.is_open = False
        self.ended.set()


def connect(relay: Relay, **limits: int) -> tuple[StreamClient, Wire]:
    asked = {"connections": 2, "per_address": 2, "allocate_within_s": 10, **limits}
    connections = Connections(relay, StreamLimits(**asked))
    client, wire = StreamClient(connections, ("198.51.100.1", 5000)), Wire()
    assert connections.admit(client.address)
    client.connection_made(wire)
    return client, wire


@given(st.lists(noise, max_size=6), st.lists(st.integers(1, 9), min_size=1, max_size=9))
async def test_a_stream_in_odd_pieces_says_the_same_as_in_one(
    came: list[bytes], sizes: list[int]
) -> None:
    stream = b"".join(data + bytes(-len(data) % 4) for data in came)
    whole, whole_wire = connect(make_relay())
    if stream:
        whole.data_received(stream)
    split, split_wire = connect(make_relay())
    at, turn = 0, 0
    while at < len(stream) and split_wire.is_open:
        size = sizes[turn % len(sizes)]
        split.data_received(stream[at : at + size])
        at, turn = at + size, turn + 1
    assert split_wire.is_open == whole_wire.is_open
    assert _kinds(split_wire.written) == _kinds(whole_wire.written)
    for client in (whole, split):
        client.connection_lost(None)


async def test_a_connection_without_an_allocation_ends_soon() -> None:
    client, wire = connect(make_relay(), allocate_within_s=0)
    await asyncio.wait_for(wire.ended.wait(), 5)
    client.connection_lost(None)


@pytest.mark.parametrize("start", ["50000000", "ffff0000", "00010001", "000100000b0b0b0b"])
def test_a_stream_that_can_be_nothing_is_told_at_its_start(start: str) -> None:
    with pytest.raises(BadFraming):
        channel_data.message_size(bytes.fromhex(start), 0)


def test_a_message_on_a_stream_has_its_padding() -> None:
    assert channel_data.message_size(b"\x40\x00\x00", 0) is None
    assert channel_data.message_size(channel_data.build(0x4000, b"12345"), 0) == (9, 12)
    request = stun.build(Method.BINDING, Class.REQUEST, bytes(12))
    assert channel_data.message_size(b"...." + request, 4) == (20, 20)


def assert_empty(relay: Relay) -> None:
    tables = relay.allocations
    assert not tables.of
    assert not tables.at
    assert not tables.users
    assert not tables.reservations
    assert set(relay.tally.dropped) <= {
        "malformed",
        "unexpected",
        "not permitted",
        "too fast",
        "too often",
    }


def assert_bounded(relay: Relay) -> None:
    tables = relay.allocations
    assert len(tables.of) <= LIMITS.allocations
    assert len(tables.at) <= 2 * LIMITS.allocations
    assert len(tables.reservations) <= LIMITS.allocations
    for allocation in tables.of.values():
        assert allocation.user.allocations <= LIMITS.allocations_per_user
        assert set(allocation.permissions) <= set(HOSTS.values())
        assert len(allocation.channels) <= 64
        assert set(allocation.routes) <= set(allocation.channels)
        assert all(tables.at[each.address] is allocation for each in allocation.relayed.values())


def _kinds(written: bytearray) -> list[tuple[int, int | None]]:
    """Give what was answered, without the nonces, which differ."""
    found, at = [], 0
    while (size := channel_data.message_size(written, at)) is not None:
        message = stun.parse(bytes(written[at : at + size[0]]))
        found.append((message.method, code(message)))
        at += size[1]
    return found
