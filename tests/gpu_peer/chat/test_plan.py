"""A chat turn by turn: the prompts that are planned for it, from nothing but its log."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_peer.chat.conversation import SYSTEM, Exchange, Turn, exchanges_of, prompt_for
from gpu_peer.chat.plan import Plan, plan_answer
from gpu_peer.chat.window import first_seen
from gpu_peer.engine import ModelInfo
from gpu_peer.errors import GenerationRefused, TooLong
from gpu_peer.uuid7 import uuid7
from protocol import codec
from protocol.chat import (
    AnswerBegun,
    AnswerEnded,
    ChatCreated,
    ContinueAnswer,
    EditMessage,
    Event,
    MessageWritten,
    Regenerate,
    SendMessage,
)
from tests.gpu_peer.support.scripted_engine import ScriptedEngine


class CountingEngine(ScriptedEngine):
    """A model with room for 75 tokens; counts how often it has to count, and does no more."""

    def __init__(self) -> None:
        self.info = ModelInfo("counting", context_length=100, device="cpu", max_tokens=50)
        self.calls = 0

    def count_tokens(self, prompt: Sequence[Turn], begun: str = "") -> int:
        self.calls += 1
        return super().count_tokens(prompt, begun)


class Chat:
    """The log of one chat, as the home writes it."""

    def __init__(self, engine: ScriptedEngine) -> None:
        self.engine = engine
        self.chat = uuid7()
        self.events: list[Event] = []
        self.add(ChatCreated(seq=0, at_ms=1, chat=self.chat, title="t"))

    def add(self, event: Event) -> None:
        numbered = msgspec.structs.replace(event, seq=len(self.events) + 1)
        # What a plan reads was on a disk.
        self.events.append(codec.event.decode(codec.encode(numbered)))

    def plan(self, text: str) -> tuple[SendMessage, Plan]:
        command = SendMessage(id=uuid7(), chat=self.chat, message=uuid7(), text=text)
        plan = plan_answer(command, self.events, self.engine)
        assert plan is not None
        return command, plan

    def ask(self, text: str, answer: str) -> Plan:
        command, plan = self.plan(text)
        self.add(
            MessageWritten(
                seq=0, at_ms=1, chat=self.chat, message=command.message, text=command.text
            )
        )
        self.answer(command.message, plan, answer)
        return plan

    def again(self, answer: str) -> Plan:
        message = exchanges_of(self.events)[-1].message
        command = Regenerate(id=uuid7(), chat=self.chat, message=message)
        plan = plan_answer(command, self.events, self.engine)
        assert plan is not None
        self.answer(message, plan, answer)
        return plan

    def answer(self, message: str, plan: Plan, text: str) -> None:
        begun = AnswerBegun(
            seq=0,
            at_ms=1,
            chat=self.chat,
            message=message,
            answer=uuid7(),
            model=self.engine.info.name,
            cut=plan.cut,
        )
        self.add(begun)
        self.add(
            AnswerEnded(
                seq=0, at_ms=1, chat=self.chat, answer=begun.answer, reason="stop", text=text
            )
        )


def first_of(plan: Plan) -> int:
    return plan.cut.left_out if plan.cut else 0


TURNS = st.lists(
    st.tuples(st.integers(1, 90), st.integers(0, 40), st.booleans()), min_size=1, max_size=25
)


@given(TURNS)
def test_whatever_is_said_the_prompt_fits_and_the_log_says_what_it_leaves_out(
    turns: list[tuple[int, int, bool]],
) -> None:
    engine = CountingEngine()
    chat = Chat(engine)
    for asked, answered, again in turns:
        text = "q " * asked
        if asked + 11 > 75:  # ten for the system text, one for the turn
            with pytest.raises(TooLong):
                chat.plan(text)
            continue
        plan = chat.ask(text, "a " * answered)
        plans = [plan, chat.again("b")] if again else [plan]
        for one in plans:
            exchanges = exchanges_of(chat.events)
            first = first_of(one)
            assert one.prompt == prompt_for(exchanges[first:])
            assert one.prompt[0] == SYSTEM
            assert one.prompt[-1] == ("user", text)
            assert engine.count_tokens(one.prompt) <= 75
            if one.cut is not None:
                assert one.cut.first == exchanges[first].message
                assert one.cut.limit == 75
        assert plans[-1].prompt == plan.prompt


@given(TURNS)
def test_a_prompt_appends_to_the_one_before_unless_the_cut_moves_forward(
    turns: list[tuple[int, int, bool]],
) -> None:
    engine = CountingEngine()
    chat = Chat(engine)
    before: Plan | None = None
    for asked, answered, _ in turns:
        engine.calls = 0
        plan = chat.ask("q " * min(asked, 60), "a " * answered)
        if before is not None:
            if first_of(plan) == first_of(before):
                assert plan.prompt[: len(before.prompt)] == before.prompt
                assert engine.calls == 1
            else:
                assert first_of(plan) > first_of(before)
        before = plan


@given(TURNS)
def test_the_same_log_gives_the_same_plan(turns: list[tuple[int, int, bool]]) -> None:
    chat = Chat(CountingEngine())
    for asked, answered, _ in turns:
        text = "q " * min(asked, 60)
        _, once = chat.plan(text)
        command, twice = chat.plan(text)
        assert (once.prompt, once.after, first_of(once)) == (
            twice.prompt,
            twice.after,
            first_of(twice),
        )
        chat.ask(command.text, "a " * answered)


def long_chat(engine: ScriptedEngine) -> Chat:
    chat = Chat(engine)
    for _ in range(10):
        chat.ask("q " * 8, "a " * 8)
    return chat


def test_a_model_that_holds_more_sees_more_again() -> None:
    engine = CountingEngine()
    chat = long_chat(engine)
    _, small = chat.plan("And?")
    assert small.cut is not None
    engine.info = replace(engine.info, context_length=10_000)
    assert chat.plan("And?")[1].cut is None


def test_a_cut_of_another_model_says_nothing() -> None:
    engine = CountingEngine()
    chat = long_chat(engine)
    chat.ask("q " * 30, "a")
    _, same = chat.plan("And?")
    engine.info = replace(engine.info, name="another")
    _, other = chat.plan("And?")
    exchanges = [*exchanges_of(chat.events), Exchange("new", "And?")]
    assert first_of(other) == first_seen(exchanges, 0, 75, engine.count_tokens)
    assert first_of(other) != first_of(same)


def test_an_answer_that_goes_on_has_room_made_for_it_by_leaving_out_what_is_older() -> None:
    engine = CountingEngine()
    chat = Chat(engine)
    for _ in range(3):
        chat.ask("q " * 8, "a " * 8)
    assert first_of(chat.plan("q " * 8)[1]) == 0
    chat.ask("q " * 8, "long " * 50)
    last = chat.events[-1]
    assert isinstance(last, AnswerEnded)
    command = ContinueAnswer(id=uuid7(), chat=chat.chat, answer=last.answer)
    plan = plan_answer(command, chat.events, engine)
    assert plan is not None
    assert plan.begun == last.text
    assert first_of(plan) > 0
    assert plan.prompt[0] == SYSTEM
    assert plan.prompt[-1] == ("user", "q " * 8)
    assert engine.count_tokens(plan.prompt, plan.begun) <= 75


def test_what_the_log_will_refuse_is_not_planned() -> None:
    engine = CountingEngine()
    chat = long_chat(engine)
    known = exchanges_of(chat.events)
    for command in (
        SendMessage(id=uuid7(), chat=chat.chat, message=known[-1].message, text="x"),
        EditMessage(
            id=uuid7(),
            chat=chat.chat,
            replaces=known[-1].message,
            message=known[0].message,
            text="x",
        ),
        Regenerate(id=uuid7(), chat=chat.chat, message=uuid7()),
        ContinueAnswer(id=uuid7(), chat=chat.chat, answer=uuid7()),
    ):
        assert plan_answer(command, chat.events, engine) is None
    nowhere = SendMessage(id=uuid7(), chat=uuid7(), message=uuid7(), text="x")
    assert plan_answer(nowhere, [], engine) is None


def test_a_prompt_that_cannot_be_counted_is_left_to_the_engine_to_refuse() -> None:
    class Refusing(CountingEngine):
        def count_tokens(self, prompt: Sequence[Turn], begun: str = "") -> int:
            raise GenerationRefused("model_failed")

    _, plan = Chat(Refusing()).plan("Hello")
    assert plan.prompt == [SYSTEM, ("user", "Hello")]
