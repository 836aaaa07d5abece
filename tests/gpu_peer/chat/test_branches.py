"""Messages as a tree, and answers anew or gone on with, as a device of a home sees them."""

from pathlib import Path
from typing import TypeVar

import pytest

from gpu_peer.chat.conversation import SYSTEM
from gpu_peer.uuid7 import uuid7
from protocol.chat import (
    Acknowledged,
    AnswerBegun,
    AnswerEnded,
    ChatError,
    Command,
    ContinueAnswer,
    Delta,
    Draft,
    EditMessage,
    MessageWritten,
    Regenerate,
    SendMessage,
)
from protocol.limits import TEXT_CHARS
from tests.gpu_peer.support.device import MemoryDevice, events_in
from tests.gpu_peer.support.house import House, a_house
from tests.gpu_peer.support.virtual_clock import VirtualClock

M = TypeVar("M")


@pytest.fixture
async def device(house: House) -> MemoryDevice:
    device = house.join("ann")
    await device.greet()
    return device


@pytest.fixture
async def chat(device: MemoryDevice) -> str:
    return await device.create_chat()


async def answered(
    house: House, device: MemoryDevice, command: Command, text: str, reason: str = "stop"
) -> AnswerBegun:
    """Carry out a command that asks for an answer, and have the engine give it."""
    device.say(command)
    begun = await device.event(AnswerBegun)
    assert await house.engine.submitted() == begun.answer
    house.engine.say(begun.answer, text)
    house.engine.end(begun.answer, reason)
    await device.event(AnswerEnded)
    return begun


def send(chat: str, text: str, parent: str | None = None) -> SendMessage:
    return SendMessage(id=uuid7(), chat=chat, message=uuid7(), text=text, parent=parent)


async def refused(device: MemoryDevice, command: Command) -> str:
    device.say(command)
    error = await device.hear(ChatError)
    assert error.re == command.id
    return error.code


def all_of(device: MemoryDevice, kind: type[M]) -> list[M]:
    events = [event for message in device.heard for event in events_in(message)]
    return [event for event in events if isinstance(event, kind)]


async def test_every_message_names_what_it_follows(
    house: House, device: MemoryDevice, chat: str
) -> None:
    first, second = send(chat, "One"), send(chat, "Two")
    beside, last = send(chat, "Another two", first.message), send(chat, "Three")
    root = send(chat, "Another beginning", chat)
    for command in (first, second, beside, last, root):
        await answered(house, device, command, "Yes.")
    parents = {event.message: event.parent for event in all_of(device, MessageWritten)}
    assert parents == {
        first.message: chat,
        second.message: first.message,
        beside.message: first.message,
        last.message: beside.message,  # the newest when it arrived
        root.message: chat,
    }


async def test_the_model_is_asked_the_path_and_nothing_beside_it(
    house: House, device: MemoryDevice, chat: str
) -> None:
    first = send(chat, "One")
    await answered(house, device, first, "1")
    await answered(house, device, send(chat, "Two"), "2")
    begun = await answered(house, device, send(chat, "Or two", first.message), "2b")
    path = [SYSTEM, ("user", "One"), ("assistant", "1"), ("user", "Or two")]
    assert house.engine.prompts[begun.answer] == path
    begun = await answered(house, device, send(chat, "Three"), "3")
    assert house.engine.prompts[begun.answer] == [*path, ("assistant", "2b"), ("user", "Three")]


async def test_an_edited_message_is_a_sibling_and_what_was_said_stays(
    house: House, device: MemoryDevice, chat: str
) -> None:
    first, second = send(chat, "One"), send(chat, "Two")
    await answered(house, device, first, "1")
    await answered(house, device, second, "2")
    other = EditMessage(
        id=uuid7(), chat=chat, replaces=second.message, message=uuid7(), text="Other two"
    )
    begun = await answered(house, device, other, "2b")
    assert house.engine.prompts[begun.answer] == [
        SYSTEM,
        ("user", "One"),
        ("assistant", "1"),
        ("user", "Other two"),
    ]
    root = EditMessage(
        id=uuid7(), chat=chat, replaces=first.message, message=uuid7(), text="Other one"
    )
    begun = await answered(house, device, root, "1b")
    assert house.engine.prompts[begun.answer] == [SYSTEM, ("user", "Other one")]
    texts = [(event.text, event.parent) for event in all_of(device, MessageWritten)]
    assert texts == [
        ("One", chat),
        ("Two", first.message),
        ("Other two", first.message),
        ("Other one", chat),
    ]


async def test_only_the_end_of_a_branch_is_answered_anew(
    house: House, device: MemoryDevice, chat: str
) -> None:
    first, second = send(chat, "One"), send(chat, "Two")
    begun = await answered(house, device, first, "1")
    await answered(house, device, second, "2")
    inner = Regenerate(id=uuid7(), chat=chat, message=first.message)
    assert await refused(device, inner) == "message_unknown"
    go_on = ContinueAnswer(id=uuid7(), chat=chat, answer=begun.answer)
    assert await refused(device, go_on) == "message_unknown"
    other = send(chat, "Other two", first.message)
    await answered(house, device, other, "2b")
    for end in (second, other):
        await answered(
            house, device, Regenerate(id=uuid7(), chat=chat, message=end.message), "again"
        )


async def test_a_continued_answer_begins_with_all_of_the_one_before(
    house: House, device: MemoryDevice, chat: str
) -> None:
    question = send(chat, "Tell me")
    cut = await answered(house, device, question, "Once upon", "length")
    device.say(ContinueAnswer(id=uuid7(), chat=chat, answer=cut.answer))
    begun = await device.event(AnswerBegun)
    assert (begun.message, begun.continues) == (question.message, cut.answer)
    assert await house.engine.submitted() == begun.answer
    assert house.engine.prompts[begun.answer] == [SYSTEM, ("user", "Tell me")]
    assert house.engine.begun[begun.answer] == "Once upon"
    other = house.join("ann")
    await other.greet()
    draft = await other.hear(Draft)
    assert (draft.index, draft.text) == (0, "Once upon")
    house.engine.say(begun.answer, " a time")
    for one in (device, other):
        delta = await one.hear(Delta)
        assert (delta.answer, delta.index, delta.text) == (begun.answer, 0, " a time")
    house.engine.end(begun.answer)
    assert (await device.event(AnswerEnded)).text == "Once upon a time"
    older = ContinueAnswer(id=uuid7(), chat=chat, answer=cut.answer)
    assert await refused(device, older) == "answer_unknown"
    follow = await answered(house, device, send(chat, "And?"), "End")
    assert house.engine.prompts[follow.answer][2] == ("assistant", "Once upon a time")


async def test_an_answer_that_is_as_long_as_it_may_be_ends_at_once(
    house: House, device: MemoryDevice, chat: str
) -> None:
    house.engine.info = house.engine.info.__class__(
        "scripted", context_length=10**6, device="cpu", max_tokens=1024
    )
    full = await answered(house, device, send(chat, "Tell me"), "x" * TEXT_CHARS, "cancelled")
    device.say(ContinueAnswer(id=uuid7(), chat=chat, answer=full.answer))
    again = await house.engine.submitted()
    house.engine.say(again, "more")
    assert again in house.engine.cancelled
    house.engine.end(again, "cancelled")
    ended = await device.event(AnswerEnded)
    assert (ended.reason, ended.text) == ("length", "x" * TEXT_CHARS)


async def test_an_answer_without_room_to_go_on_is_refused_with_both_numbers(
    house: House, device: MemoryDevice, chat: str
) -> None:
    info = house.engine.info
    house.engine.info = info.__class__("scripted", 100, "cpu", max_tokens=50)
    long = await answered(house, device, send(chat, "Tell me"), "word " * 70, "length")
    device.say(ContinueAnswer(id=uuid7(), chat=chat, answer=long.answer))
    error = await device.hear(ChatError)
    assert error.code == "context_full"
    assert error.excess is not None
    assert (error.excess.tokens, error.excess.limit) == (82, 75)
    assert "continued" in error.message


async def test_a_restart_leaves_a_cut_answer_that_goes_on_from_its_last_word(
    tmp_path: Path, clock: VirtualClock
) -> None:
    path = tmp_path / "chats.sqlite3"
    async with a_house(path, clock) as first:
        device = first.join("ann")
        await device.greet()
        chat = await device.create_chat()
        begun = await device.ask(chat, "Tell me")
        await first.engine.submitted()
        first.engine.say(begun.answer, "Once")
        while not (await first.store.run(lambda log: log.open_answers()))[0].text:
            pass
    async with a_house(path, clock) as second:
        device = second.join("ann")
        cut = [e for e in await device.history() if isinstance(e, AnswerEnded)][-1]
        assert (cut.reason, cut.text) == ("cut", "Once")
        device.say(ContinueAnswer(id=uuid7(), chat=chat, answer=cut.answer))
        again = await second.engine.submitted()
        assert second.engine.begun[again] == "Once"
    async with a_house(path, clock) as third:
        # Cut again before a word was said: what it began with is not lost.
        device = third.join("ann")
        cut = [e for e in await device.history() if isinstance(e, AnswerEnded)][-1]
        assert (cut.answer, cut.reason, cut.text) == (again, "cut", "Once")


async def test_what_belongs_to_another_chat_is_not_there(
    house: House, device: MemoryDevice, chat: str
) -> None:
    there = send(chat, "There")
    begun = await answered(house, device, there, "Yes")
    here = await device.create_chat()
    for command, code in [
        (send(here, "x", there.message), "message_unknown"),
        (send(here, "x", uuid7()), "message_unknown"),
        (send(here, "x", chat), "message_unknown"),
        (
            EditMessage(id=uuid7(), chat=here, replaces=there.message, message=uuid7(), text="x"),
            "message_unknown",
        ),
        (Regenerate(id=uuid7(), chat=here, message=there.message), "message_unknown"),
        (ContinueAnswer(id=uuid7(), chat=here, answer=begun.answer), "answer_unknown"),
        (ContinueAnswer(id=uuid7(), chat=here, answer=uuid7()), "answer_unknown"),
        (
            EditMessage(id=uuid7(), chat=chat, replaces=there.message, message=uuid7(), text=" "),
            "text_empty",
        ),
        (
            EditMessage(
                id=uuid7(), chat=chat, replaces=there.message, message=there.message, text="x"
            ),
            "malformed",
        ),
        (SendMessage(id=uuid7(), chat=here, message=here, text="x", parent=here), "malformed"),
        (
            EditMessage(id=uuid7(), chat=chat, replaces=there.message, message=chat, text="x"),
            "malformed",
        ),
    ]:
        assert await refused(device, command) == code
    device.say(send(here, "x", here))
    await device.hear(Acknowledged)
