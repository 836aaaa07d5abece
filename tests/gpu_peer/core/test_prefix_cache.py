"""The second turn of a chat, with a real model."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gpu_peer import _rust_trt as core
from gpu_peer.engine import GenerationEnd
from gpu_peer.rust_engine import RustEngine, runtime_library
from tests.gpu_peer.support.generations import WAIT_S, answer, user

CHUNK = 32
"""Tokens of a prompt that are fed in one step; whole chunks are used again."""

Chat = list[tuple[str, str]]


@pytest.fixture
def engine(model_folder: Path) -> Iterator[core.Engine]:
    library = runtime_library()
    with core.Engine.load(
        model_folder, library=library, threads=2, context_length=1024, max_active=2
    ) as engine:
        yield engine


@pytest.fixture(scope="module")
def cold(model_folder: Path) -> Iterator[core.Engine]:
    """An engine whose only row is filled with something else before each question."""
    library = runtime_library()
    with core.Engine.load(
        model_folder, library=library, threads=2, context_length=1024, max_active=1
    ) as engine:
        yield engine


SAMPLING = core.Sampling(max_tokens=40, temperature=0.8, seed=11)
SEA = user("Tell me about the sea, its fish and its storms. " * 8)
FOX = user("Write a story about a fox and a bear in the wood. " * 8)
HILL = user("Which hills are higher than the highest mountain? " * 8)


def cold_answer(cold: core.Engine, chat: Chat) -> str:
    answer(cold, user("Something else."), core.Sampling(max_tokens=1))
    text, end = answer(cold, chat, SAMPLING)
    assert end.cached_tokens == 0
    return text


def second_turn(chat: Chat, text: str) -> Chat:
    return [*chat, ("assistant", text), ("user", "Go on.")]


def whole_chunks(tokens: int) -> int:
    return tokens // CHUNK * CHUNK


def test_the_second_turn_prefills_only_what_is_new(engine: core.Engine, cold: core.Engine) -> None:
    text, first = answer(engine, SEA, SAMPLING)
    assert first.cached_tokens == 0
    chat = second_turn(SEA, text)
    again, second = answer(engine, chat, SAMPLING)
    assert whole_chunks(first.prompt_tokens) <= second.cached_tokens < second.prompt_tokens
    assert second.cached_tokens % CHUNK == 0
    assert again == cold_answer(cold, chat)


def test_after_switching_between_chats_too(engine: core.Engine, cold: core.Engine) -> None:
    sea, of_sea = answer(engine, SEA, SAMPLING)
    fox, of_fox = answer(engine, FOX, SAMPLING)
    for chat, first in ((second_turn(SEA, sea), of_sea), (second_turn(FOX, fox), of_fox)):
        text, end = answer(engine, chat, SAMPLING)
        assert end.cached_tokens >= whole_chunks(first.prompt_tokens)
        assert text == cold_answer(cold, chat)


def test_an_answer_written_anew_is_the_same(engine: core.Engine) -> None:
    """The row is wound back over the first answer, which leaves no trace."""
    first, _ = answer(engine, SEA, SAMPLING)
    again, end = answer(engine, SEA, SAMPLING)
    assert again == first
    assert end.cached_tokens == whole_chunks(end.prompt_tokens - 1)


def test_a_changed_message_in_the_middle_is_not_overlooked(
    engine: core.Engine, cold: core.Engine
) -> None:
    text, _ = answer(engine, SEA, SAMPLING)
    answer(engine, second_turn(SEA, text), SAMPLING)
    changed = second_turn(SEA, text.upper())
    told, end = answer(engine, changed, SAMPLING)
    assert 0 < end.cached_tokens <= engine.count_tokens(SEA)
    assert told == cold_answer(cold, changed)


def test_the_chat_least_recently_used_is_forgotten(engine: core.Engine) -> None:
    """Two rows, three chats."""
    short = core.Sampling(max_tokens=2)
    for chat in (SEA, FOX, SEA, HILL):
        answer(engine, chat, short)
    assert answer(engine, SEA, short)[1].cached_tokens > 0
    assert answer(engine, FOX, short)[1].cached_tokens == 0


def test_the_chats_learn_what_the_cache_spared(engine: core.Engine) -> None:
    chats = RustEngine(engine, max_tokens=1)

    def ask() -> GenerationEnd:
        chats.submit("asked", SEA, "ann")
        while True:
            for event in chats.next_events(WAIT_S):
                if isinstance(event, GenerationEnd):
                    return event

    first, again = ask(), ask()
    assert (first.cached_tokens, again.prompt_tokens) == (0, first.prompt_tokens)
    assert again.cached_tokens == (first.prompt_tokens - 1) // CHUNK * CHUNK
