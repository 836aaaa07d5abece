"""Flow control, with a stand-in for aiortc's channel that drains when the test says so."""

import asyncio
from collections.abc import Callable

import pytest

from gpu_peer.errors import ChannelClosed
from gpu_peer.transports.data_channel import BUFFERED_BYTES, DataChannel
from gpu_peer.uuid7 import uuid7
from protocol import codec
from protocol.chat import Draft, FromHome
from protocol.framing import Joiner
from protocol.limits import FRAME_BYTES

ID = uuid7()


class SlowChannel:
    def __init__(self) -> None:
        self.readyState = "open"
        self.bufferedAmount = 0
        self.bufferedAmountLowThreshold = 0
        self.sent: list[bytes] = []
        self.most = 0
        self._handlers: dict[str, Callable[..., object]] = {}

    def on(self, event: str, handler: Callable[..., object]) -> None:
        self._handlers[event] = handler

    def send(self, frame: bytes) -> None:
        self.sent.append(frame)
        self.bufferedAmount += len(frame)
        self.most = max(self.most, self.bufferedAmount)

    def drain(self) -> None:
        self.bufferedAmount = 0
        self._handlers["bufferedamountlow"]()

    def close(self) -> None:
        self.readyState = "closed"


def long(letter: str) -> FromHome:
    return Draft(chat=ID, answer=ID, index=0, text=letter * 100_000)


@pytest.fixture
def slow() -> SlowChannel:
    return SlowChannel()


@pytest.fixture
def channel(slow: SlowChannel) -> DataChannel:
    return DataChannel(slow)  # type: ignore[arg-type]


async def turn() -> None:
    await asyncio.sleep(0)


async def test_long_messages_wait_for_room_and_are_not_mixed(
    slow: SlowChannel, channel: DataChannel
) -> None:
    sending = [asyncio.ensure_future(channel.send(long("a")))]
    await turn()
    # The second comes just when there is room again, and would be first to find it.
    sending.append(asyncio.ensure_future(channel.send(long("b"))))
    slow.drain()
    joiner, joined = Joiner(), []
    while not all(task.done() for task in sending):
        await turn()
        slow.drain()
    for frame in slow.sent:
        if (message := joiner.feed(frame)) is not None:
            joined.append(codec.from_home.decode(message))
    assert joined == [long("a"), long("b")]
    assert slow.most <= BUFFERED_BYTES + FRAME_BYTES


async def test_who_waits_for_room_is_told_of_the_end(
    slow: SlowChannel, channel: DataChannel
) -> None:
    sending = asyncio.ensure_future(channel.send(long("a")))
    await turn()
    assert not sending.done()
    channel.close()
    with pytest.raises(ChannelClosed):
        await sending
    with pytest.raises(ChannelClosed):
        await channel.send(long("b"))
    with pytest.raises(ChannelClosed):
        await channel.receive(codec.to_home)


async def test_a_channel_that_is_cut_says_nothing_more(
    slow: SlowChannel, channel: DataChannel
) -> None:
    sending = asyncio.ensure_future(channel.send(long("a")))
    await turn()
    sent = len(slow.sent)
    channel.cut()
    slow.drain()
    with pytest.raises(ChannelClosed):
        await sending
    assert len(slow.sent) == sent
    assert channel.is_cut


async def test_nothing_is_said_to_a_channel_whose_connection_is_gone(
    slow: SlowChannel, channel: DataChannel
) -> None:
    """aiortc would send its goodbye again and again over DTLS that has ended."""
    channel.lost()
    channel.close()
    assert slow.readyState == "open", "it was not told to close"
    with pytest.raises(ChannelClosed):
        await channel.receive(codec.to_home)
