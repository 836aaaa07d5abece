from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from protocol import chat, codec, signaling
from protocol.errors import ProtocolError

TRUST = [codec.trust_to_home, codec.trust_from_home]
ROADS = [codec.to_vds, codec.from_vds, codec.to_home, codec.from_home, *TRUST]


def refusal(road: codec.Decoder[Any], data: bytes) -> ProtocolError | None:
    """The error that decoding ends in, if it is one of the protocol's."""
    try:
        road.decode(data)
    except ProtocolError as error:
        return error
    return None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.binary(max_size=300))
def test_bytes_are_a_message_or_a_protocol_error(data: bytes) -> None:
    for road in ROADS:
        error = refusal(road, data)
        assert error is None or str(error).endswith(".")


@given(
    st.sampled_from(["send_message", "hello", "events", "post_signal", "authenticate"]),
    st.dictionaries(
        st.sampled_from(["version", "after", "id", "chat", "text", "events", "signal", "room"]),
        json_values,
    ),
)
def test_wrong_shapes_are_protocol_errors(kind: str, keys: dict[str, object]) -> None:
    data = msgspec.json.encode({**keys, "type": kind})
    for road in ROADS:
        refusal(road, data)  # any other error would fail the test


@given(st.text(min_size=1, max_size=50).filter(lambda t: t.isprintable()))
def test_an_error_never_repeats_what_was_received(secret: str) -> None:
    secret = f"zq-{secret}-qz"
    data = codec.encode(chat.Heartbeat(sent_ms=1)).replace(b"1", b'"' + secret.encode() + b'"')
    error = refusal(codec.to_home, data)
    assert error is not None
    assert secret not in str(error)


def test_deep_nesting_is_a_protocol_error() -> None:
    deep = b'{"type":"ping","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    error = refusal(codec.to_vds, deep)
    assert error is None or error.code == "malformed"


def test_a_road_takes_only_its_own_direction() -> None:
    ping = codec.encode(signaling.Ping())
    assert codec.to_vds.decode(ping) == signaling.Ping()
    error = refusal(codec.from_vds, ping)
    assert error is not None
    assert error.code == "unknown_type"
