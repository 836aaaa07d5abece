"""What a device hears when the disk of the PC is full."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gpu_peer.uuid7 import uuid7
from protocol.chat import Acknowledged, ChatError, MessageWritten, SendMessage
from tests.gpu_peer.support.chats import texts
from tests.gpu_peer.support.house import House, a_house
from tests.gpu_peer.support.virtual_clock import VirtualClock


@pytest.fixture
async def house(small_disk: Path) -> AsyncIterator[House]:
    async with a_house(small_disk / "chats.sqlite3", VirtualClock()) as house:
        yield house


async def test_a_message_is_refused_before_it_is_acknowledged_and_can_be_sent_again(
    house: House, small_disk: Path
) -> None:
    device = house.join("ann")
    await device.greet()
    chat = await device.create_chat()
    ballast = small_disk / "something else"
    ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - 8192))
    command = SendMessage(id=uuid7(), chat=chat, message=uuid7(), text="too much " * 1500)
    for _ in range(2):
        device.say(command)
        refused = await device.hear(ChatError)
        assert (refused.code, refused.re) == ("storage_failed", command.id)
        assert "disk is full" in refused.message
    assert not any(
        isinstance(message, Acknowledged) and message.id == command.id for message in device.heard
    )
    assert texts(small_disk / "chats.sqlite3") == []
    ballast.unlink()
    device.say(command)
    written = await device.event(MessageWritten)
    assert written.message == command.message
    assert texts(small_disk / "chats.sqlite3") == [command.text]
