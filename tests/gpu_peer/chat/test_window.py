"""The policy by itself: what stays of a conversation that is too long."""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_peer.chat.conversation import SYSTEM, Exchange, Turn, prompt_for
from gpu_peer.chat.window import first_seen, room_for_prompt
from gpu_peer.errors import TooLong


class Counter:
    """One token for each turn and each word; remembers how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, prompt: Sequence[Turn]) -> int:
        self.calls += 1
        return words(prompt)


def words(prompt: Sequence[Turn]) -> int:
    return sum(1 + len(text.split()) for _, text in prompt)


def exchange(number: int, asked: int, answered: int | None) -> Exchange:
    answer = None if answered is None else "a " * answered
    return Exchange(f"m{number}", "q " * asked, answer)


SIZES = st.tuples(st.integers(0, 60), st.none() | st.integers(0, 60))
CHATS = st.lists(SIZES, min_size=1, max_size=40).map(
    lambda sizes: [exchange(n, asked, answered) for n, (asked, answered) in enumerate(sizes)]
)
ROOMS = st.integers(20, 400)


@given(CHATS, ROOMS, st.data())
def test_what_is_seen_fits_and_has_the_system_text_and_the_newest_message(
    chat: list[Exchange], room: int, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(chat) - 1))
    alone = words(prompt_for(chat[-1:]))
    if alone > room:
        with pytest.raises(TooLong) as caught:
            first_seen(chat, start, room, words)
        assert (caught.value.tokens, caught.value.limit) == (alone, room)
        return
    first = first_seen(chat, start, room, words)
    prompt = prompt_for(chat[first:])
    assert words(prompt) <= room
    assert prompt[0] == SYSTEM
    assert prompt[-1] == ("user", chat[-1].text)
    assert start <= first < len(chat)


@given(CHATS, ROOMS)
def test_a_cut_leaves_half_of_the_room_and_no_exchange_more_than_it_must(
    chat: list[Exchange], room: int
) -> None:
    alone = words(prompt_for(chat[-1:]))
    if alone > room:
        return
    first = first_seen(chat, 0, room, words)
    if words(prompt_for(chat)) <= room:
        assert first == 0
        return
    most = min(room, alone + room // 2)
    assert words(prompt_for(chat[first:])) <= most
    assert words(prompt_for(chat[first - 1 :])) > most or first == 1


def test_beside_a_long_message_stays_what_fits() -> None:
    before = [exchange(number, 4, 4) for number in range(9)]  # ten tokens each
    newest = exchange(9, 60, None)  # 70 with the system text
    assert first_seen([*before, newest], 0, 100, words) == 6


@given(CHATS, ROOMS)
def test_counting_is_asked_for_a_few_times(chat: list[Exchange], room: int) -> None:
    count = Counter()
    try:
        first = first_seen(chat, 0, room, count)
    except TooLong:
        assert count.calls == 2
        return
    assert count.calls == 1 if first == 0 else count.calls <= 2 + ceil(log2(len(chat)))


def test_turns_of_one_size_are_cut_once_in_as_many_as_fill_half_of_the_room() -> None:
    chat: list[Exchange] = []
    firsts = [0]
    for number in range(200):
        chat.append(exchange(number, 4, None))
        firsts.append(first_seen(chat, firsts[-1], 200, words))
        chat[-1] = exchange(number, 4, 4)
    assert firsts == sorted(firsts)
    # An exchange takes 10 tokens: a hundred, half of the room, hold ten of them.
    moved = [turn for turn, (one, next_) in enumerate(pairwise(firsts)) if one != next_]
    gaps = {later - earlier for earlier, later in pairwise(moved)}
    assert len(moved) > 10
    assert min(gaps) >= 8


@pytest.mark.parametrize(
    ("context", "max_tokens", "room"), [(4096, 1024, 3072), (4096, 64, 4032), (256, 1024, 192)]
)
def test_the_answer_has_its_reserve(context: int, max_tokens: int, room: int) -> None:
    assert room_for_prompt(context, max_tokens) == room
