"""A device's connection: history, live events, refusals, and the end."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from gpu_peer.chat.home import SCRUB_AGAIN_S
from gpu_peer.errors import ChannelClosed
from gpu_peer.storage.event_log import EventLog, Written
from gpu_peer.storage.user_log import UserLog
from gpu_peer.transports.heartbeat import INTERVAL_S, MISSES
from gpu_peer.uuid7 import uuid7
from protocol.chat import (
    Acknowledged,
    Alive,
    AnswerBegun,
    ChatCreated,
    ChatError,
    CreateChat,
    DeleteChat,
    Heartbeat,
    RenameChat,
    SendMessage,
    StopAnswer,
    ToHome,
)
from protocol.errors import ErrorCode
from tests.gpu_peer.support.device import MemoryDevice
from tests.gpu_peer.support.house import House
from tests.gpu_peer.support.virtual_clock import VirtualClock


@pytest.fixture
async def device(house: House) -> MemoryDevice:
    device = house.join("ann")
    await device.greet()
    return device


class SlowDisk:
    """From `begun` on a change of the log waits for `go_on`."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go_on = threading.Event()
        self._loop = asyncio.get_running_loop()

    def change(
        self, log: EventLog, user: str, command: str | None, change: Callable[[UserLog], None]
    ) -> Written:
        self._loop.call_soon_threadsafe(self.begun.set)
        assert self.go_on.wait(20)
        return CHANGE(log, user, command, change)


CHANGE = EventLog.change


@pytest.fixture
async def slow(
    device: MemoryDevice, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[SlowDisk, str]]:
    """A disk that is slow from now on, and a chat that was made before."""
    chat = await device.create_chat()
    disk = SlowDisk()
    monkeypatch.setattr(EventLog, "change", lambda *given: disk.change(*given))
    yield disk, chat
    disk.go_on.set()


async def refusal(device: MemoryDevice, command: ToHome) -> tuple[ErrorCode, str | None]:
    device.say(command)
    error = await device.hear(ChatError)
    return error.code, error.re


async def test_every_device_of_a_person_hears_of_every_event(
    house: House, device: MemoryDevice
) -> None:
    other = house.join("ann")
    await other.greet()
    chat = await device.create_chat("Shared")
    for one in (device, other):
        assert (await one.event(ChatCreated)).chat == chat


async def test_the_same_command_again_changes_nothing(device: MemoryDevice) -> None:
    command = CreateChat(id=uuid7(), chat=uuid7(), title="Once")
    device.say(command)
    first = await device.hear(Acknowledged)
    await device.create_chat("Between")
    device.say(command)
    assert await device.hear(Acknowledged) == first
    device.say(CreateChat(id=uuid7(), chat=uuid7(), title="Next"))
    assert (await device.hear(Acknowledged)).seq == 3


async def test_what_is_not_there_is_refused_by_its_own_code(
    house: House, device: MemoryDevice
) -> None:
    stranger = house.join("bob")
    await stranger.greet()
    theirs = await stranger.create_chat()
    chat = await device.create_chat()
    for command, code in [
        (RenameChat(id=uuid7(), chat=theirs, title="x"), "chat_unknown"),
        (DeleteChat(id=uuid7(), chat=theirs), "chat_unknown"),
        (SendMessage(id=uuid7(), chat=theirs, message=uuid7(), text="x"), "chat_unknown"),
        (SendMessage(id=uuid7(), chat=chat, message=uuid7(), text=" \n\t"), "text_empty"),
        (StopAnswer(id=uuid7(), answer=uuid7()), "answer_unknown"),
        (CreateChat(id=uuid7(), chat=chat, title="again"), "chat_exists"),
    ]:
        assert await refusal(device, command) == (code, command.id)
    device.say(DeleteChat(id=uuid7(), chat=chat))
    await device.hear(Acknowledged)
    assert await refusal(device, CreateChat(id=(id_ := uuid7()), chat=chat, title="x")) == (
        "chat_exists",
        id_,
    )


async def test_a_locked_database_is_refused_before_the_acknowledgement(
    device: MemoryDevice, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "chats.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    command = CreateChat(id=uuid7(), chat=uuid7(), title="x")
    assert await refusal(device, command) == ("storage_failed", command.id)
    other.execute("ROLLBACK")
    other.close()
    device.say(command)
    assert (await device.hear(Acknowledged)).seq == 1


async def test_what_is_carried_out_is_done_whole_though_the_device_goes_away(
    house: House, device: MemoryDevice, slow: tuple[SlowDisk, str]
) -> None:
    disk, chat = slow
    other = house.join("ann")
    await other.greet()
    device.say(SendMessage(id=uuid7(), chat=chat, message=uuid7(), text="Hello?"))
    await disk.begun.wait()
    device.leave()
    await device.closed.wait()
    disk.go_on.set()
    begun = await other.event(AnswerBegun)
    assert await house.engine.submitted() == begun.answer


async def test_a_heartbeat_waits_for_nothing_that_is_carried_out(
    device: MemoryDevice, slow: tuple[SlowDisk, str]
) -> None:
    disk, chat = slow
    device.say(RenameChat(id=uuid7(), chat=chat, title="x"))
    device.say(CreateChat(id=uuid7(), chat=uuid7(), title="Behind it"))
    await disk.begun.wait()
    device.say(Heartbeat(sent_ms=7))
    assert await device.hear(Alive) == Alive(sent_ms=7)
    disk.go_on.set()
    assert [(await device.hear(Acknowledged)).seq for _ in range(2)] == [2, 3]


async def test_deleted_text_that_somebody_still_read_goes_soon(
    device: MemoryDevice, clock: VirtualClock, tmp_path: Path
) -> None:
    def is_there() -> bool:
        return any(b"A great secret" in file.read_bytes() for file in tmp_path.glob("chats.*"))

    chat = await device.create_chat("A great secret")
    with closing(sqlite3.connect(tmp_path / "chats.sqlite3", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events").fetchone()
        device.say(DeleteChat(id=uuid7(), chat=chat))
        await device.hear(Acknowledged)
        assert is_there()
    async with asyncio.timeout(20):
        while is_there():
            clock.advance(SCRUB_AGAIN_S)
            await device.idle()


async def test_a_silent_device_is_asked_and_then_let_go(
    device: MemoryDevice, clock: VirtualClock
) -> None:
    async def pass_time(seconds: float) -> None:
        for _ in range(int(seconds / 0.5)):
            clock.advance(0.5)
            while not clock._due and not device.closed.is_set():
                await device.idle()

    await pass_time(MISSES * INTERVAL_S + 1)
    with pytest.raises(ChannelClosed):
        await device.next()
    assert sum(isinstance(message, Heartbeat) for message in device.heard) == MISSES - 1
