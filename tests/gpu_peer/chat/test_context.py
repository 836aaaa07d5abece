"""A conversation longer than the context, as the devices of a home see it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gpu_peer.chat.conversation import SYSTEM, Turn
from gpu_peer.uuid7 import uuid7
from protocol.chat import (
    Acknowledged,
    AnswerBegun,
    AnswerEnded,
    ChatError,
    Excess,
    HistoryCut,
    MessageWritten,
    Regenerate,
    RenameChat,
    SendMessage,
)
from tests.gpu_peer.support.device import MemoryDevice
from tests.gpu_peer.support.house import House, a_house
from tests.gpu_peer.support.virtual_clock import VirtualClock

ROOM = 75
"""Tokens there is room for: words and turns, as the scripted engine counts them."""


def small(house: House) -> None:
    house.engine.info = replace(house.engine.info, context_length=100, max_tokens=50)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path / "chats.sqlite3", VirtualClock()) as house:
        small(house)
        yield house


@pytest.fixture
async def device(house: House) -> MemoryDevice:
    device = house.join("ann")
    await device.greet()
    return device


async def exchange(house: House, device: MemoryDevice, chat: str, text: str) -> AnswerBegun:
    begun = await device.ask(chat, text)
    assert await house.engine.submitted() == begun.answer
    house.engine.say(begun.answer, "Well said.")
    house.engine.end(begun.answer)
    await device.event(AnswerEnded)
    return begun


async def test_what_was_left_out_is_told_with_the_answer_and_again_after_a_reload(
    house: House, device: MemoryDevice
) -> None:
    chat = await device.create_chat()
    begun = [await exchange(house, device, chat, f"Message {n} of this chat") for n in range(8)]
    cuts = [one.cut for one in begun]
    assert cuts[0] is None
    cut = cuts[-1]
    assert cut is not None
    assert cut == HistoryCut(first=begun[cut.left_out].message, left_out=cut.left_out, limit=ROOM)
    prompt = house.engine.prompts[begun[-1].answer]
    assert prompt[:2] == [SYSTEM, ("user", f"Message {cut.left_out} of this chat")]
    assert house.engine.count_tokens(prompt) <= ROOM
    past = await house.join("ann").history()
    assert [e.cut for e in past if isinstance(e, AnswerBegun)] == cuts


async def test_a_message_that_is_too_long_alone_is_refused_with_both_numbers_and_not_kept(
    house: House, device: MemoryDevice
) -> None:
    chat = await device.create_chat()
    command = SendMessage(id=uuid7(), chat=chat, message=uuid7(), text="word " * 200)
    device.say(command)
    error = await device.hear(ChatError)
    assert (error.code, error.re) == ("context_full", command.id)
    assert error.excess == Excess(tokens=210, limit=ROOM)
    assert "210" in error.message
    assert "75" in error.message
    past = await house.join("ann").history()
    assert not [e for e in past if isinstance(e, MessageWritten)]
    await exchange(house, device, chat, "A shorter one")


async def test_a_message_that_was_taken_is_acknowledged_again_by_a_smaller_model(
    house: House, device: MemoryDevice
) -> None:
    chat = await device.create_chat()
    command = SendMessage(id=uuid7(), chat=chat, message=uuid7(), text="word " * 60)
    device.say(command)
    await device.hear(Acknowledged)
    house.engine.info = replace(house.engine.info, context_length=64)
    device.say(command)
    assert (await device.hear(Acknowledged)).id == command.id


async def test_what_was_carried_out_is_acknowledged_again_without_counting(
    house: House, device: MemoryDevice
) -> None:
    chat = await device.create_chat()
    begun = await exchange(house, device, chat, "word " * 60)
    command = Regenerate(id=uuid7(), chat=chat, message=begun.message)
    device.say(command)
    first = await device.hear(Acknowledged)
    house.engine.info = replace(house.engine.info, context_length=64)
    device.say(command)
    assert await device.hear(Acknowledged) == first


async def test_what_comes_to_a_chat_while_an_answer_is_planned_is_not_overlooked(
    house: House, device: MemoryDevice
) -> None:
    chat = await device.create_chat()
    prompts: list[int] = []

    async def rename() -> None:
        await house.home.execute("ann", RenameChat(id=uuid7(), chat=chat, title="Other"))

    count = house.engine.count_tokens

    def interrupted(prompt: Sequence[Turn], begun: str = "") -> int:
        prompts.append(len(prompt))
        if len(prompts) == 1:
            asyncio.run_coroutine_threadsafe(rename(), house.engine.loop).result(10)
        return count(prompt, begun)

    house.engine.count_tokens = interrupted  # type: ignore[method-assign]
    begun = await device.ask(chat, "Hello")
    assert prompts == [2, 2]
    assert begun.cut is None


async def test_a_log_from_before_answers_told_of_cuts_is_read_and_gone_on_with(
    tmp_path: Path,
) -> None:
    path = tmp_path / "chats.sqlite3"
    async with a_house(path, VirtualClock()) as before:
        device = before.join("ann")
        await device.greet()
        chat = await device.create_chat()
        for number in range(8):
            await exchange(before, device, chat, f"Message {number} of this chat")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        # Written exactly so before there was a word for it.
        db.execute("UPDATE events SET body = CAST(replace(body, ',\"cut\":null', '') AS BLOB)")
        [left] = db.execute("SELECT count(*) FROM events WHERE body LIKE '%cut%'").fetchone()
        assert left == 0
    async with a_house(path, VirtualClock()) as after:
        small(after)
        device = after.join("ann")
        past = await device.history()
        assert {e.cut for e in past if isinstance(e, AnswerBegun)} == {None}
        begun = await exchange(after, device, chat, "And now?")
        assert begun.cut is not None
