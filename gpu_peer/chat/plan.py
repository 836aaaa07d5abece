"""What to ask the model when a message is to be answered, decided before the log is changed.

Counting tokens takes as long as a conversation is, too long for a transaction. So a chat is read,
the prompt is planned, and the transaction checks that nothing came to the chat in between.

Where the last prompt of the chat was cut is read from the log, which has it for the devices
anyway. So the cut stays where it is from turn to turn and after a restart, and only what follows it
is counted. A cut that another model or another context made says nothing about this one: then
the whole conversation is looked at again.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from gpu_peer.chat.conversation import Exchange, Turn, exchanges_of, prompt_for
from gpu_peer.chat.window import first_seen, room_for_prompt
from gpu_peer.engine import Engine
from gpu_peer.errors import GenerationRefused
from protocol.chat import AnswerBegun, Event, HistoryCut, Regenerate, SendMessage


@dataclass(frozen=True)
class Plan:
    """A prompt for the newest message of a chat.

    Attributes:
        after: The number of the chat's newest event when this was planned.
        prompt: What to ask.
        cut: What is left out of it; None when nothing is.
    """

    after: int
    prompt: list[Turn]
    cut: HistoryCut | None


def plan_answer(
    command: SendMessage | Regenerate, events: Sequence[Event], engine: Engine
) -> Plan | None:
    """Plan the answer that a command asks for; blocks while tokens are counted.

    Args:
        command: Who asks what.
        events: All events of its chat.
        engine: Counts the tokens.

    Returns:
        None where the log will refuse the command, or has carried it out before.

    Raises:
        TooLong: the message is longer than the model can hold.
    """
    exchanges = exchanges_of(events)
    if isinstance(command, SendMessage):
        if not events or any(one.message == command.message for one in exchanges):
            return None
        exchanges.append(Exchange(command.message, command.text))
    elif not exchanges or exchanges[-1].message != command.message:
        return None
    info = engine.info
    room = room_for_prompt(info.context_length, info.max_tokens)
    first = _cut_before(events, exchanges, info.name, room)
    # A prompt that cannot be counted is refused again when it is submitted, and that is told.
    with suppress(GenerationRefused):
        first = first_seen(exchanges, first, room, engine.count_tokens)
    cut = HistoryCut(first=exchanges[first].message, left_out=first, limit=room) if first else None
    return Plan(events[-1].seq, prompt_for(exchanges[first:]), cut)


def _cut_before(
    events: Sequence[Event], exchanges: Sequence[Exchange], model: str, room: int
) -> int:
    """Give the index of the first exchange that the last prompt of the chat had."""
    last = next((event for event in reversed(events) if isinstance(event, AnswerBegun)), None)
    if last is None or last.cut is None or (last.model, last.cut.limit) != (model, room):
        return 0
    first = last.cut.first
    return next((i for i, exchange in enumerate(exchanges) if exchange.message == first), 0)
