"""Messages written while an answer runs: each gets its answer, one after another."""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from gpu_peer.chat.branches import WAITING, answer_waiting
from gpu_peer.chat.conversation import SYSTEM, Turn
from gpu_peer.chat.outcome import Circumstances
from gpu_peer.chat.plan import Plan
from gpu_peer.chat.turns import RETRY_S
from gpu_peer.errors import GenerationRefused
from gpu_peer.storage.user_log import UserLog
from gpu_peer.uuid7 import uuid7
from protocol.chat import (
    Acknowledged,
    AnswerBegun,
    AnswerEnded,
    ChatError,
    ContinueAnswer,
    DeleteChat,
    EditMessage,
    MessageWritten,
    Regenerate,
    SendMessage,
    StopAnswer,
)
from tests.gpu_peer.support.device import MemoryDevice, events_in
from tests.gpu_peer.support.house import House, a_house
from tests.gpu_peer.support.virtual_clock import VirtualClock


async def busy(house: House, waiting: int) -> tuple[MemoryDevice, str, str, list[str]]:
    """Give a device, its chat, the answer that runs, and the messages that wait."""
    device = house.join("ann")
    await device.greet()
    chat = await device.create_chat()
    begun = await device.ask(chat, "First")
    await house.engine.submitted()
    return device, chat, begun.answer, [await write(device, chat, f"{n}") for n in range(waiting)]


async def write(device: MemoryDevice, chat: str, text: str) -> str:
    command = SendMessage(id=uuid7(), chat=chat, message=uuid7(), text=text)
    device.say(command)
    assert (await device.hear(Acknowledged)).id == command.id
    return command.message


async def test_a_message_is_written_at_once_and_answered_in_its_turn(house: House) -> None:
    device, _, running, messages = await busy(house, 3)
    for message in messages:
        assert not house.engine.prompts.keys() - {running}
        house.engine.say(running, "Yes.")
        house.engine.end(running)
        running = await house.engine.submitted()
        begun = await device.event(AnswerBegun)
        assert (begun.answer, begun.message) == (running, message)
        house.engine.prompts = {running: house.engine.prompts[running]}
    assert house.engine.prompts[running] == [
        SYSTEM,
        ("user", "First"),
        *(turn for n in range(2) for turn in (("assistant", "Yes."), ("user", f"{n}"))),
        ("assistant", "Yes."),
        ("user", "2"),
    ]
    house.engine.end(running)
    heard: list[object] = []
    while sum(isinstance(event, AnswerEnded) for event in heard) < 4:
        await device.next()
        heard = [event for message in device.heard for event in events_in(message)]
    order = [type(event) for event in heard if not isinstance(event, AnswerEnded)]
    assert order[2:5] == [AnswerBegun, MessageWritten, MessageWritten]


@pytest.mark.parametrize("reason", ["cancelled", "failed"])
async def test_one_that_was_stopped_or_failed_keeps_nobody_waiting(
    house: House, reason: str
) -> None:
    device, _, running, [message] = await busy(house, 1)
    device.say(StopAnswer(id=uuid7(), answer=running))
    house.engine.end(running, reason)
    await house.engine.submitted()
    assert (await device.event(AnswerBegun)).message == message


async def test_an_answer_that_the_engine_refuses_keeps_nobody_waiting(house: House) -> None:
    device, _, running, _ = await busy(house, 2)
    house.engine.refusal = GenerationRefused("engine_busy")
    house.engine.end(running)
    for code in (None, "engine_busy", "engine_busy"):
        assert (await device.event(AnswerEnded)).code == code


async def test_what_waits_is_answered_after_a_restart(tmp_path: Path, clock: VirtualClock) -> None:
    path = tmp_path / "chats.sqlite3"
    async with a_house(path, clock) as first:
        _, chat, _, messages = await busy(first, 2)
    async with a_house(path, clock) as second:
        for message in messages:
            answer = await second.engine.submitted()
            events = await second.store.run(lambda log: log.events_of("ann", chat))
            assert isinstance(events[-1], AnswerBegun)
            assert (events[-1].answer, events[-1].message) == (answer, message)
            second.engine.end(answer)
        device = second.join("ann")
        while sum(isinstance(e, AnswerEnded) for e in await device.history()) < 3:
            device = second.join("ann")
        ends = [e.reason for e in await second.join("ann").history() if isinstance(e, AnswerEnded)]
        assert ends == ["cut", "stop", "stop"]
        assert await second.store.run(lambda log: log.waiting_chats()) == []


async def test_a_home_that_ends_begins_nothing_more(tmp_path: Path, clock: VirtualClock) -> None:
    async with a_house(tmp_path / "chats.sqlite3", clock) as ending:
        device, chat, _, [message] = await busy(ending, 1)
        await ending.home.close()
        assert (await device.event(AnswerEnded)).reason == "cut"
        assert len(ending.engine.prompts) == 1
        waits = await ending.store.run(lambda log: log.next_waiting("ann", chat))
        assert waits == message


async def test_a_broken_engine_is_asked_for_nothing_more(house: House) -> None:
    device, chat, _, [message] = await busy(house, 1)
    asked: list[object] = []
    house.engine.count_tokens = lambda *prompt: asked.append(prompt) or 1  # type: ignore[method-assign]
    house.home.answers.fail_all()
    assert (await device.event(AnswerEnded)).code == "model_failed"
    for _ in range(20):  # as long as it takes to plan an answer, and longer
        await house.store.run(lambda log: log.head("ann"))
        await asyncio.to_thread(int)
    assert asked == []
    assert await house.store.run(lambda log: log.next_waiting("ann", chat)) == message


async def test_a_deleted_chat_takes_along_what_waits(house: House) -> None:
    device, chat, running, _ = await busy(house, 2)
    other = await device.create_chat()
    device.say(DeleteChat(id=uuid7(), chat=chat))
    await device.hear(Acknowledged)
    house.engine.end(running)
    await device.ask(other, "Still there?")
    assert len(house.engine.prompts) <= 2
    assert await house.store.run(lambda log: log.waiting_chats()) == []


async def test_whose_turn_it_is_not_is_not_answered(house: House) -> None:
    _, chat, running, [first, second] = await busy(house, 2)

    async def try_all(end: bool) -> list[bool]:
        begun = []

        def change(log: UserLog) -> None:
            if end:
                assert log.close_draft(running)
            for message in (uuid7(), second, first, first):
                around = Circumstances(1, "m", uuid7, Plan(log.newest(chat), [], None))
                begun.append(answer_waiting(chat, message, log, around).begun is not None)

        await house.store.run(lambda log: log.change("ann", None, change))
        return begun

    assert await try_all(end=False) == [False] * 4
    assert await try_all(end=True) == [False, False, True, False]


async def test_chats_do_not_wait_for_each_other(house: House) -> None:
    device, _, _, _ = await busy(house, 1)
    begun = await device.ask(await device.create_chat(), "Now")
    assert await house.engine.submitted() == begun.answer


async def test_only_so_many_may_wait(house: House) -> None:
    device, chat, running, messages = await busy(house, WAITING)
    command = SendMessage(id=uuid7(), chat=chat, message=uuid7(), text="Too many")
    device.say(command)
    error = await device.hear(ChatError)
    assert (error.code, error.re) == ("engine_busy", command.id)
    house.engine.end(running)
    await house.engine.submitted()
    device.say(command)
    assert (await device.hear(Acknowledged)).id == command.id
    assert len(messages) == WAITING


async def test_a_message_that_waits_can_be_followed_and_edited_but_not_answered_anew(
    house: House,
) -> None:
    device, chat, running, [message] = await busy(house, 1)
    for command in (
        Regenerate(id=uuid7(), chat=chat, message=message),
        ContinueAnswer(id=uuid7(), chat=chat, answer=running),
    ):
        device.say(command)
        error = await device.hear(ChatError)
        assert error.re == command.id
        assert error.code in ("answer_running", "message_unknown")
    edit = EditMessage(id=uuid7(), chat=chat, replaces=message, message=uuid7(), text="Other")
    device.say(edit)
    await device.hear(Acknowledged)
    house.engine.end(running)
    house.engine.end(await house.engine.submitted())
    last = await house.engine.submitted()
    assert house.engine.prompts[last] == [SYSTEM, ("user", "First"), ("user", "Other")]


async def test_a_message_that_is_too_long_is_refused_before_it_waits(house: House) -> None:
    device, chat, _, _ = await busy(house, 0)
    device.say(SendMessage(id=uuid7(), chat=chat, message=uuid7(), text="word " * 5000))
    assert (await device.hear(ChatError)).code == "context_full"
    assert await house.store.run(lambda log: log.waiting_chats()) == []


async def test_one_that_a_smaller_model_cannot_hold_is_left_to_the_engine_to_refuse(
    house: House,
) -> None:
    device, chat, running, _ = await busy(house, 0)
    await write(device, chat, "word " * 2000)
    await write(device, chat, "And a short one")
    house.engine.info = house.engine.info.__class__("scripted", 100, "cpu", max_tokens=50)
    house.engine.end(running)
    alone = await house.engine.submitted()
    assert house.engine.prompts[alone] == [SYSTEM, ("user", "word " * 2000)]
    house.engine.end(alone, "failed")
    last = await house.engine.submitted()
    assert house.engine.prompts[last][-1] == ("user", "And a short one")


async def test_the_next_is_begun_as_soon_as_the_disk_allows(
    house: House, clock: VirtualClock, tmp_path: Path
) -> None:
    device, _, running, [message] = await busy(house, 1)
    other = sqlite3.connect(
        tmp_path / "chats.sqlite3", isolation_level=None, check_same_thread=False
    )
    count = house.engine.count_tokens

    def lock_and_count(prompt: Sequence[Turn], begun: str = "") -> int:
        # Between the reading of what waits and the writing of its answer's beginning.
        if not other.in_transaction:
            other.execute("BEGIN IMMEDIATE")
        return count(prompt, begun)

    house.engine.count_tokens = lock_and_count  # type: ignore[method-assign]
    house.engine.end(running)
    async with asyncio.timeout(10):
        while not clock.waits(RETRY_S):
            await house.store.run(lambda log: log.head("ann"))
    house.engine.count_tokens = count  # type: ignore[method-assign]
    other.execute("ROLLBACK")
    other.close()
    clock.advance(RETRY_S)
    assert (await device.event(AnswerBegun)).message == message
