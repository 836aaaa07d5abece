import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import ProtocolError, TooLarge
from protocol.framing import FIRST, LAST, Joiner, split
from protocol.limits import FRAME_BYTES, MESSAGE_BYTES


@given(st.integers(0, MESSAGE_BYTES), st.binary(min_size=1, max_size=7))
def test_what_is_split_is_joined_to_the_same(length: int, pattern: bytes) -> None:
    message = (pattern * (length // len(pattern) + 1))[:length]
    frames = split(message)
    assert all(len(frame) <= FRAME_BYTES for frame in frames)
    joiner = Joiner()
    joined = [joiner.feed(frame) for frame in frames]
    assert joined == [None] * (len(frames) - 1) + [message]


def test_a_message_beyond_the_limit_is_not_sent() -> None:
    with pytest.raises(TooLarge):
        split(bytes(MESSAGE_BYTES + 1))


@given(st.lists(st.binary(max_size=40), max_size=12), st.binary(max_size=99))
def test_after_any_noise_the_next_whole_message_is_taken(noise: list[bytes], text: bytes) -> None:
    joiner = Joiner()
    for frame in noise:
        try:
            joiner.feed(frame)
        except ProtocolError:
            continue
    # The end of whatever the noise left open; silent, an error, or a message of the noise.
    with contextlib.suppress(ProtocolError):
        joiner.feed(bytes([LAST]))
    assert joiner.feed(bytes([FIRST | LAST]) + text) == text


@given(st.lists(st.binary(max_size=FRAME_BYTES + 1), max_size=40))
def test_memory_stays_within_one_message(frames: list[bytes]) -> None:
    joiner = Joiner()
    for frame in frames:
        try:
            message = joiner.feed(frame)
        except ProtocolError:
            continue
        assert message is None or len(message) <= MESSAGE_BYTES
