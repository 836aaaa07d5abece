import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_peer.errors import ChannelClosed
from gpu_peer.transports.inbox import CAPACITY_BYTES, Inbox
from protocol import codec
from protocol.chat import Hello
from protocol.errors import ProtocolError
from protocol.framing import FIRST, LAST, split

HELLO = Hello(version=1, after=0)


@given(st.lists(st.one_of(st.binary(max_size=40), st.text(max_size=20)), max_size=30))
async def test_no_frame_harms_the_next_message(frames: list[bytes | str]) -> None:
    inbox = Inbox()
    for frame in frames:
        assert inbox.feed(frame)
    # A frame that begins anew ends whatever was unfinished, with at most one error.
    for _ in range(2):
        for frame in split(codec.encode(HELLO)):
            inbox.feed(frame)
    inbox.close()
    taken = []
    while True:
        try:
            taken.append(await inbox.take())
        except ProtocolError:
            continue
        except ChannelClosed:
            break
    assert taken[-1] == codec.encode(HELLO)
    assert inbox.frames == len(frames) + 2


async def test_what_nobody_reads_is_bounded() -> None:
    inbox = Inbox()
    (frame,) = split(codec.encode(HELLO))
    taken = 0
    while inbox.feed(frame):
        taken += 1
    assert taken < CAPACITY_BYTES / 1024
    await inbox.take()
    assert inbox.feed(frame)


async def test_the_rest_is_read_before_the_end() -> None:
    inbox = Inbox()
    inbox.feed(bytes([FIRST | LAST]) + codec.encode(HELLO))
    inbox.close()
    assert await inbox.take() == codec.encode(HELLO)
    with pytest.raises(ChannelClosed):
        await inbox.take()


async def test_what_was_not_read_when_it_is_cut_is_forgotten() -> None:
    inbox = Inbox()
    inbox.feed(bytes([FIRST | LAST]) + codec.encode(HELLO))
    inbox.cut()
    with pytest.raises(ChannelClosed):
        await inbox.take()
