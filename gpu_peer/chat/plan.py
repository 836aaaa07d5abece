"""What to ask the model when a message is to be answered, decided before the log is changed.

Counting tokens takes as long as a conversation is, too long for a transaction. So a chat is read,
the prompt is planned, and the transaction checks that nothing came to the chat in between.

A prompt is the path from the first message of the chat to the one to be answered. Where the last
prompt on this path was cut is read from the log, which has it for the devices anyway. So the cut
stays where it is from turn to turn and after a restart, and only what follows it is counted. A cut
that another model or another context made says nothing about this one: then the whole path is
looked at again.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from gpu_peer.chat.conversation import Exchange, Turn, exchanges_of, prompt_for
from gpu_peer.chat.window import first_seen, room_for_prompt
from gpu_peer.engine import Engine
from gpu_peer.errors import GenerationRefused, TooLong
from protocol.chat import (
    AnswerBegun,
    AnswerEnded,
    ContinueAnswer,
    EditMessage,
    Event,
    HistoryCut,
    MessageWritten,
    Regenerate,
    SendMessage,
)

Asking = SendMessage | EditMessage | Regenerate | ContinueAnswer
"""The commands that ask for an answer."""


@dataclass(frozen=True)
class Plan:
    """A prompt for one message of a chat.

    Attributes:
        after: The number of the chat's newest event when this was planned.
        prompt: What to ask.
        cut: What is left out of it; None when nothing is.
        begun: What the answer begins with, where it continues another.
    """

    after: int
    prompt: list[Turn]
    cut: HistoryCut | None
    begun: str = ""


def plan_answer(command: Asking, events: Sequence[Event], engine: Engine) -> Plan | None:
    """Plan the answer that a command asks for; blocks while tokens are counted.

    Args:
        command: Who asks what.
        events: All events of its chat.
        engine: Counts the tokens.

    Returns:
        None where the log will refuse the command.

    Raises:
        TooLong: the message is longer than the model can hold.
    """
    begun = ""
    if isinstance(command, SendMessage | EditMessage) and _has(command.message, events):
        return None
    match command:
        case SendMessage():
            path = exchanges_of(events, command.parent)
            path.append(Exchange(command.message, command.text))
        case EditMessage():
            path = exchanges_of(events, command.replaces)[:-1]
            path.append(Exchange(command.message, command.text))
        case Regenerate():
            path = exchanges_of(events, command.message)
        case ContinueAnswer():
            message, begun = _said(command.answer, events)
            path = exchanges_of(events, message) if message else []
    return _plan(path, begun, events, engine) if events and path else None


def plan_waiting(message: str, events: Sequence[Event], engine: Engine) -> Plan:
    """Plan the answer to a message that waited for its turn; blocks while tokens are counted.

    One that no longer fits, since another model was loaded, is asked alone: then its answer tells.
    """
    path = exchanges_of(events, message)
    try:
        return _plan(path, "", events, engine)
    except TooLong:
        return Plan(events[-1].seq, prompt_for(path[-1:]), None)


def _plan(path: Sequence[Exchange], begun: str, events: Sequence[Event], engine: Engine) -> Plan:
    info = engine.info
    room = room_for_prompt(info.context_length, info.max_tokens)
    first = _cut_before(events, path, info.name, room)

    def count(prompt: Sequence[Turn]) -> int:
        return engine.count_tokens(prompt, begun)

    # A prompt that cannot be counted is refused again when it is submitted, and that is told.
    with suppress(GenerationRefused):
        first = first_seen(path, first, room, count)
    cut = HistoryCut(first=path[first].message, left_out=first, limit=room) if first else None
    return Plan(events[-1].seq, prompt_for(path[first:]), cut, begun)


def _has(message: str, events: Sequence[Event]) -> bool:
    return any(isinstance(e, MessageWritten) and e.message == message for e in events)


def _said(answer: str, events: Sequence[Event]) -> tuple[str | None, str]:
    """Give the message that an answer is to, and what it says."""
    message: str | None = None
    for event in events:
        if isinstance(event, AnswerBegun) and event.answer == answer:
            message = event.message
        if isinstance(event, AnswerEnded) and event.answer == answer:
            return message, event.text
    return message, ""


def _cut_before(events: Sequence[Event], path: Sequence[Exchange], model: str, room: int) -> int:
    """Give the index of the first exchange that the last prompt on this path had."""
    places = {exchange.message: index for index, exchange in enumerate(path)}
    for event in reversed(events):
        if isinstance(event, AnswerBegun) and event.message in places:
            if event.cut is None or (event.model, event.cut.limit) != (model, room):
                return 0
            return places.get(event.cut.first, 0)
    return 0
