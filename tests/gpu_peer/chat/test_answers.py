"""Answers, as devices of a home see them; time is virtual, the engine says what it is told."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
import structlog

from gpu_peer.chat.answers import RETRY_S
from gpu_peer.chat.conversation import SYSTEM
from gpu_peer.chat.draft import DELTA_INTERVAL_S, FIRST_DELTAS, SAVE_INTERVAL_S
from gpu_peer.errors import GenerationRefused
from gpu_peer.uuid7 import uuid7
from protocol.chat import (
    Acknowledged,
    AnswerEnded,
    ChatDeleted,
    ChatError,
    DeleteChat,
    Delta,
    Draft,
    Events,
    Regenerate,
    SendMessage,
    StopAnswer,
)
from protocol.limits import TEXT_CHARS
from tests.gpu_peer.support.device import MemoryDevice
from tests.gpu_peer.support.house import House, a_house
from tests.gpu_peer.support.virtual_clock import VirtualClock


async def asked(house: House, text: str = "Go") -> tuple[MemoryDevice, str, str]:
    """Give a device, its chat, and an answer that the engine works on."""
    device = house.join("ann")
    await device.greet()
    chat = await device.create_chat()
    begun = await device.ask(chat, text)
    assert await house.engine.submitted() == begun.answer
    return device, chat, begun.answer


async def test_the_engine_is_told_for_whom_an_answer_is(house: House) -> None:
    _, _, answer = await asked(house)
    assert house.engine.owners == {answer: "ann"}


async def test_what_an_answer_cost_is_logged_without_a_word_of_it(house: House) -> None:
    device, _, answer = await asked(house, "secret")
    with structlog.testing.capture_logs() as logs:
        house.engine.say(answer, "hidden")
        house.engine.end(answer)
        await device.event(AnswerEnded)
    (line,) = [line for line in logs if line["event"] == "answer_ended"]
    assert (line["prompt_tokens"], line["cached_tokens"], line["completion_tokens"]) == (7, 5, 10)
    assert not any(word in repr(line) for word in ("secret", "hidden", "ann"))


async def test_after_the_first_words_pieces_within_a_frame_travel_together(
    house: House, clock: VirtualClock
) -> None:
    device, _, answer = await asked(house)
    for piece in "abcdefghijkl":
        house.engine.say(answer, piece)
        clock.advance(DELTA_INTERVAL_S / 10)
    clock.advance(DELTA_INTERVAL_S)
    heard = [await device.hear(Delta) for _ in range(FIRST_DELTAS + 1)]
    assert [delta.index for delta in heard] == list(range(FIRST_DELTAS + 1))
    assert [delta.text for delta in heard] == [*"abcdefgh", "ijkl"]


async def test_a_device_that_joins_in_the_middle_misses_nothing(
    house: House, clock: VirtualClock
) -> None:
    first, chat, answer = await asked(house)
    known = FIRST_DELTAS + 1
    for number in range(known):
        clock.advance(1)
        house.engine.say(answer, f"{number} ")
    house.engine.say(answer, "more ")
    second = house.join("ann")
    await second.greet()
    draft = await second.hear(Draft)
    text = "".join(f"{number} " for number in range(known))
    assert draft == Draft(chat=chat, answer=answer, index=known, text=text)
    clock.advance(1)
    for device in (first, second):
        while (delta := await device.hear(Delta)).index < known:
            pass
        assert (delta.index, delta.text) == (known, "more ")
    house.engine.say(answer, "four")
    house.engine.end(answer)
    for device in (first, second):
        assert (await device.event(AnswerEnded)).text == text + "more four"


async def test_an_answer_goes_on_with_nobody_there(house: House, clock: VirtualClock) -> None:
    device, _, answer = await asked(house)
    device.leave()
    await device.closed.wait()
    house.engine.say(answer, "All of ")
    clock.advance(5)
    house.engine.say(answer, "it.")
    house.engine.end(answer)
    back = house.join("ann")
    await back.greet()
    ended = await back.event(AnswerEnded)
    assert (ended.reason, ended.text) == ("stop", "All of it.")


async def test_stop_keeps_what_was_said(house: House) -> None:
    device, _, answer = await asked(house)
    house.engine.say(answer, "Well")
    device.say(StopAnswer(id=uuid7(), answer=answer))
    await device.hear(Acknowledged)
    assert house.engine.cancelled == {answer}
    house.engine.end(answer, "cancelled")
    ended = await device.event(AnswerEnded)
    assert (ended.reason, ended.text, ended.code) == ("stopped", "Well", None)
    device.say(StopAnswer(id=uuid7(), answer=answer))
    await device.hear(Acknowledged)


@pytest.mark.parametrize("code", ["context_full", "engine_busy", "model_failed"])
async def test_what_the_engine_refuses_ends_as_failed(house: House, code: str) -> None:
    device = house.join("ann")
    await device.greet()
    chat = await device.create_chat()
    house.engine.refusal = GenerationRefused(code)  # type: ignore[arg-type]
    device.say(SendMessage(id=uuid7(), chat=chat, message=uuid7(), text="Hello"))
    ended = await device.event(AnswerEnded)
    assert (ended.reason, ended.code, ended.text) == ("failed", code, "")


async def test_a_model_that_fails_in_the_middle_keeps_what_it_said(house: House) -> None:
    device, _, answer = await asked(house)
    house.engine.say(answer, "Half")
    house.engine.end(answer, "failed")
    ended = await device.event(AnswerEnded)
    assert (ended.reason, ended.code, ended.text) == ("failed", "model_failed", "Half")


async def test_a_broken_engine_fails_every_answer(house: House) -> None:
    device, _, _ = await asked(house)
    house.home.answers.fail_all()
    assert (await device.event(AnswerEnded)).code == "model_failed"


async def test_an_endless_answer_ends_at_what_a_message_carries(house: House) -> None:
    device, _, answer = await asked(house)
    house.engine.say(answer, *["x" * 1000] * 40)
    assert house.engine.cancelled == {answer}
    house.engine.end(answer, "cancelled")
    ended = await device.event(AnswerEnded)
    assert (ended.reason, len(ended.text)) == ("length", TEXT_CHARS)


async def test_regenerate_asks_the_same_again_without_the_answer(house: House) -> None:
    device, chat, answer = await asked(house, "Why?")
    house.engine.say(answer, "Because.")
    house.engine.end(answer)
    await device.event(AnswerEnded)
    message = next(
        event.message
        for page in device.heard
        if isinstance(page, Events)
        for event in page.events
        if hasattr(event, "message")
    )
    device.say(Regenerate(id=uuid7(), chat=chat, message=message))
    again = await house.engine.submitted()
    assert again != answer
    assert house.engine.prompts[again] == [SYSTEM, ("user", "Why?")]
    device.say(Regenerate(id=uuid7(), chat=chat, message=uuid7()))
    assert (await device.hear(ChatError)).code == "message_unknown"


async def test_a_deleted_chat_takes_its_running_answer_along(
    house: House, clock: VirtualClock
) -> None:
    device, chat, answer = await asked(house)
    house.engine.say(answer, "Never mind")
    device.say(DeleteChat(id=uuid7(), chat=chat))
    deleted = await device.event(ChatDeleted)
    assert house.engine.cancelled == {answer}
    house.engine.say(answer, "more")
    house.engine.end(answer, "cancelled")
    clock.advance(10)
    assert await house.join("ann").history() == [deleted]


async def test_the_end_is_written_as_soon_as_the_disk_allows(
    house: House, clock: VirtualClock, tmp_path: Path
) -> None:
    device, _, answer = await asked(house)
    house.engine.say(answer, "Precious")
    other = sqlite3.connect(tmp_path / "chats.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    house.engine.end(answer)
    async with asyncio.timeout(10):
        # The first try fails on the lock; then the clock is asked to wake the second.
        while not clock.waits(RETRY_S):
            await house.store.run(lambda log: log.head("ann"))
    other.execute("ROLLBACK")
    other.close()
    clock.advance(RETRY_S)
    assert (await device.event(AnswerEnded)).text == "Precious"


async def test_a_killed_process_leaves_a_cut_answer_with_its_text(
    tmp_path: Path, clock: VirtualClock
) -> None:
    path = tmp_path / "chats.sqlite3"
    async with a_house(path, clock) as killed:
        _, chat, answer = await asked(killed)
        killed.engine.say(answer, "Saved at once, ")
        killed.engine.say(answer, "and within a second")
        clock.advance(SAVE_INTERVAL_S)
        while not (await killed.store.run(lambda log: log.open_answers()))[0].text.endswith("nd"):
            pass
        killed.engine.say(answer, ", but not this")
    async with a_house(path, clock) as restarted:
        device = restarted.join("ann")
        await device.greet()
        ended = await device.event(AnswerEnded)
        assert ended.reason == "cut"
        assert ended.text == "Saved at once, and within a second"
        await device.ask(chat, "Go on")


async def test_a_home_that_ends_keeps_all_of_a_running_answer(
    tmp_path: Path, clock: VirtualClock
) -> None:
    path = tmp_path / "chats.sqlite3"
    async with a_house(path, clock) as ending:
        device, _, answer = await asked(ending)
        ending.engine.say(answer, "All", " of", " it")
        await ending.home.close()
        ended = await device.event(AnswerEnded)
        assert (ended.reason, ended.text) == ("cut", "All of it")
        assert ending.engine.cancelled == {answer}
