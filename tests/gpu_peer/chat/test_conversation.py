from gpu_peer.chat.conversation import SYSTEM, Turn, exchanges_of, prompt_for
from protocol.chat import AnswerBegun, AnswerEnded, ChatCreated, ChatRenamed, Event, MessageWritten

ITSELF = MessageWritten(seq=1, at_ms=1, chat="c", message="c", text="x", parent="c")


def wrote(message: str, text: str) -> Event:
    return MessageWritten(seq=1, at_ms=1, chat="c", message=message, text=text)


def answered(message: str, answer: str, text: str) -> list[Event]:
    return [
        AnswerBegun(seq=1, at_ms=1, chat="c", message=message, answer=answer, model="m"),
        AnswerEnded(seq=1, at_ms=1, chat="c", answer=answer, reason="stop", text=text),
    ]


def prompt_of(events: list[Event]) -> list[Turn]:
    return prompt_for(exchanges_of(events))


def test_turns_alternate() -> None:
    events = [
        ChatCreated(seq=1, at_ms=1, chat="c", title="t"),
        wrote("m1", "Hello"),
        *answered("m1", "a1", "Hi"),
        ChatRenamed(seq=1, at_ms=1, chat="c", title="t"),
        wrote("m2", "How?"),
    ]
    assert prompt_of(events) == [SYSTEM, ("user", "Hello"), ("assistant", "Hi"), ("user", "How?")]


def test_an_answer_about_to_be_replaced_is_left_out() -> None:
    assert prompt_of([wrote("m1", "Hello"), *answered("m1", "a1", "Hi")]) == [
        SYSTEM,
        ("user", "Hello"),
    ]


def test_a_message_that_follows_itself_is_told_once() -> None:
    events = [ITSELF, wrote("m2", "How?")]
    assert [exchange.message for exchange in exchanges_of(events)] == ["c", "m2"]


def test_of_two_answers_the_newer_counts_and_an_empty_one_does_not() -> None:
    events = [
        wrote("m1", "Hello"),
        *answered("m1", "a1", "old"),
        *answered("m1", "a2", "new"),
        *answered("m1", "a3", ""),
        wrote("m2", "Next"),
    ]
    assert prompt_of(events) == [SYSTEM, ("user", "Hello"), ("assistant", "new"), ("user", "Next")]


def test_a_message_without_an_answer_stays() -> None:
    events = [wrote("m1", "One"), *answered("m1", "a1", ""), wrote("m2", "Two")]
    assert prompt_of(events) == [SYSTEM, ("user", "One"), ("user", "Two")]
