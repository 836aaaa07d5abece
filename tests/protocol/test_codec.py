from hypothesis import given
from hypothesis import strategies as st

from protocol import chat, codec, signaling
from protocol.errors import ProtocolError

ROADS = [codec.to_vds, codec.from_vds, codec.to_home, codec.from_home]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.binary(max_size=300))
def test_bytes_are_a_message_or_a_protocol_error(data: bytes) -> None:
    for road in ROADS:
        try:
            road.decode(data)
        except ProtocolError as error:
            assert str(error).endswith(".")


@given(
    st.sampled_from(["send_message", "hello", "events", "post_signal", "authenticate"]),
    st.dictionaries(
        st.sampled_from(["version", "after", "id", "chat", "text", "events", "signal", "room"]),
        json_values,
    ),
)
def test_wrong_shapes_are_protocol_errors(kind: str, keys: dict[str, object]) -> None:
    import msgspec

    data = msgspec.json.encode({**keys, "type": kind})
    for road in ROADS:
        try:
            road.decode(data)
        except ProtocolError:
            continue


@given(st.text(min_size=1, max_size=50).filter(lambda t: t.isprintable()))
def test_an_error_never_repeats_what_was_received(secret: str) -> None:
    secret = f"zq-{secret}-qz"
    data = codec.encode(chat.Heartbeat(sent_ms=1)).replace(b"1", b'"' + secret.encode() + b'"')
    try:
        codec.to_home.decode(data)
    except ProtocolError as error:
        assert secret not in str(error)
    else:
        raise AssertionError("a heartbeat at a word was taken")


def test_deep_nesting_is_a_protocol_error() -> None:
    deep = b'{"type":"ping","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    try:
        codec.to_vds.decode(deep)
    except ProtocolError as error:
        assert error.code == "malformed"


def test_a_road_takes_only_its_own_direction() -> None:
    ping = codec.encode(signaling.Ping())
    assert codec.to_vds.decode(ping) == signaling.Ping()
    try:
        codec.from_vds.decode(ping)
    except ProtocolError as error:
        assert error.code == "unknown_type"
    else:
        raise AssertionError("a client's message was taken from the VDS")
