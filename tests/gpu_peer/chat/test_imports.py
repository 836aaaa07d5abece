"""Chats that are brought from elsewhere."""

import random

import pytest

from gpu_peer.chat.conversation import SYSTEM
from gpu_peer.uuid7 import uuid7
from protocol import codec
from protocol.chat import (
    Acknowledged,
    AnswerBegun,
    AnswerEnded,
    ChatCreated,
    ChatError,
    ChatHead,
    CreateChat,
    DeleteChat,
    ImportedAnswer,
    ImportedTurn,
    ImportTurns,
    MessageWritten,
    Regenerate,
    SendMessage,
)
from protocol.limits import IMPORT_CHARS, MESSAGE_BYTES
from tests.gpu_peer.support.device import MemoryDevice
from tests.gpu_peer.support.house import House

FUTURE = 2**53 - 1


@pytest.fixture
async def device(house: House) -> MemoryDevice:
    device = house.join("ann")
    await device.greet()
    return device


def answer(text: str, at_ms: int) -> ImportedAnswer:
    return ImportedAnswer(answer=uuid7(), at_ms=at_ms, model="gpt", text=text)


async def test_what_was_said_elsewhere_is_as_if_it_had_been_said_here(
    house: House, device: MemoryDevice
) -> None:
    chat, first, second, third = uuid7(), uuid7(), uuid7(), uuid7()
    turns = [
        ImportedTurn(message=first, parent=chat, at_ms=100, text="One", answer=answer("1", 110)),
        ImportedTurn(message=second, parent=first, at_ms=120, text="Two", answer=answer("2", 130)),
        ImportedTurn(message=third, parent=first, at_ms=FUTURE, text="Or two"),
    ]
    device.say(CreateChat(id=uuid7(), chat=chat, title="Old", folder="Elsewhere", at_ms=90))
    await device.hear(Acknowledged)
    command = ImportTurns(id=uuid7(), chat=chat, turns=turns)
    device.say(command)
    acknowledged = await device.hear(Acknowledged)
    events = await house.join("ann").history()
    now = house.clock.wall_ms()
    assert [type(event) for event in events] == [
        ChatCreated,
        *(MessageWritten, AnswerBegun, AnswerEnded) * 2,
        MessageWritten,
    ]
    assert [event.at_ms for event in events] == [90, 100, 110, 110, 120, 130, 130, now]
    written = [event for event in events if isinstance(event, MessageWritten)]
    assert [event.parent for event in written] == [chat, first, first]
    ended = [event for event in events if isinstance(event, AnswerEnded)]
    assert [(event.reason, event.text) for event in ended] == [("stop", "1"), ("stop", "2")]
    assert {event.model for event in events if isinstance(event, AnswerBegun)} == {"gpt"}
    assert house.engine.prompts == {}
    [head] = await house.store.run(lambda log: log.chats("ann"))
    assert head == ChatHead(chat=chat, title="Old", folder="Elsewhere", changed_ms=now)
    # Again, as another command: nothing is there twice, and it can be gone on with.
    device.say(ImportTurns(id=uuid7(), chat=chat, turns=turns))
    assert (await device.hear(Acknowledged)).seq == acknowledged.seq
    device.say(SendMessage(id=uuid7(), chat=chat, message=uuid7(), text="And?", parent=second))
    asked = await house.engine.submitted()
    assert house.engine.prompts[asked] == [
        SYSTEM,
        ("user", "One"),
        ("assistant", "1"),
        ("user", "Two"),
        ("assistant", "2"),
        ("user", "And?"),
    ]


async def test_a_message_that_came_without_an_answer_gets_one_when_it_is_asked_for(
    house: House, device: MemoryDevice
) -> None:
    chat, message = await device.create_chat(), uuid7()
    turn = ImportedTurn(message=message, parent=chat, at_ms=1, text="And then?")
    device.say(ImportTurns(id=uuid7(), chat=chat, turns=[turn]))
    await device.event(MessageWritten)
    assert house.engine.prompts == {}
    device.say(Regenerate(id=uuid7(), chat=chat, message=message))
    begun = await device.event(AnswerBegun)
    assert begun.message == message
    assert house.engine.prompts[await house.engine.submitted()] == [SYSTEM, ("user", "And then?")]


async def test_a_deleted_chat_is_not_there_for_what_was_said_in_it(
    house: House, device: MemoryDevice
) -> None:
    chat = await device.create_chat()
    device.say(DeleteChat(id=uuid7(), chat=chat))
    turn = ImportedTurn(message=uuid7(), parent=chat, at_ms=1, text="Back?")
    for command, code in [
        (CreateChat(id=uuid7(), chat=chat, title="Back"), "chat_exists"),
        (ImportTurns(id=uuid7(), chat=chat, turns=[turn]), "chat_unknown"),
    ]:
        device.say(command)
        error = await device.hear(ChatError)
        assert (error.code, error.re) == (code, command.id)


async def test_a_chat_that_was_made_is_not_made_again(house: House, device: MemoryDevice) -> None:
    chat = await device.create_chat("Mine")
    for _ in range(2):
        command = CreateChat(id=uuid7(), chat=chat, title="Theirs")
        device.say(command)
        error = await device.hear(ChatError)
        assert (error.code, error.re) == ("chat_exists", command.id)
        device.say(DeleteChat(id=uuid7(), chat=chat))


async def test_turns_without_their_chat_or_parent_are_refused_whole(
    house: House, device: MemoryDevice
) -> None:
    chat, other = await device.create_chat(), await device.create_chat()
    fine = ImportedTurn(message=uuid7(), parent=chat, at_ms=1, text="Fine")
    head = await house.home.head("ann")
    for turns, where, code in [
        ([fine], uuid7(), "chat_unknown"),
        ([fine, ImportedTurn(message=uuid7(), parent=uuid7(), at_ms=1, text="x")], chat, None),
        ([fine], other, None),
    ]:
        device.say(ImportTurns(id=uuid7(), chat=where, turns=turns))
        assert (await device.hear(ChatError)).code == code or "message_unknown"
    assert await house.home.head("ann") == head


async def test_a_text_that_no_device_could_be_sent_is_refused(device: MemoryDevice) -> None:
    chat = await device.create_chat()
    letters = random.Random(1)
    mixed = "".join(chr(letters.randrange(0x80, 0x800)) for _ in range(130_000))
    for text, taken in (
        ("я" * (IMPORT_CHARS - 2000), True),
        ("я" * IMPORT_CHARS, False),
        (mixed[:90_000], True),
        (mixed, False),
    ):
        turn = ImportedTurn(message=uuid7(), parent=chat, at_ms=1, text=text)
        device.say(ImportTurns(id=uuid7(), chat=chat, turns=[turn]))
        if taken:
            while (await device.event(MessageWritten)).text != text:
                pass
            assert all(len(codec.encode(message)) < MESSAGE_BYTES for message in device.heard)
        else:
            assert (await device.hear(ChatError)).code == "too_large"


async def test_a_message_that_has_the_id_of_its_chat_is_refused(device: MemoryDevice) -> None:
    chat = await device.create_chat()
    turn = ImportedTurn(message=chat, parent=chat, at_ms=1, text="After myself")
    device.say(ImportTurns(id=uuid7(), chat=chat, turns=[turn]))
    assert (await device.hear(ChatError)).code == "malformed"


async def test_a_message_comes_once_with_each_of_its_answers(
    house: House, device: MemoryDevice
) -> None:
    chat, message = uuid7(), uuid7()
    turns = [
        ImportedTurn(message=message, parent=chat, at_ms=100, text="One", answer=answer(text, 110))
        for text in ("first", "second")
    ]
    device.say(CreateChat(id=uuid7(), chat=chat, title="Old"))
    await device.hear(Acknowledged)
    for _ in range(2):
        device.say(ImportTurns(id=uuid7(), chat=chat, turns=turns))
        await device.hear(Acknowledged)
    events = await house.join("ann").history()
    assert [event.text for event in events if isinstance(event, MessageWritten)] == ["One"]
    assert [event.text for event in events if isinstance(event, AnswerEnded)] == ["first", "second"]
