"""The events of a chat folded into what was said."""

from collections.abc import Iterable
from dataclasses import dataclass

from protocol.chat import AnswerBegun, AnswerEnded, Event, MessageWritten

Turn = tuple[str, str]
"""A role, `system`, `user` or `assistant`, and what was said."""

SYSTEM: Turn = ("system", "You are a helpful AI assistant named Hearth.")
"""The words that small models are trained on, with our name.

Measured with the embedded model and the sampling of `rust_engine`: asked for the capital of France
12 times, it says Paris 12 times after these words, and 5 times after 'You are Hearth, a helpful AI
assistant.'
"""


@dataclass(frozen=True)
class Exchange:
    """A person's message, and the answer to it once there is one that says anything."""

    message: str
    text: str
    answer: str | None = None


def exchanges_of(events: Iterable[Event], newest: str | None = None) -> list[Exchange]:
    """Give what was said in a chat from its first message to the one named, the oldest first.

    Of several answers to one message the newest that says anything counts.

    Args:
        events: All events of the chat, in the order of their numbers.
        newest: The message to end with; without one, that which was written last.
    """
    texts: dict[str, str] = {}
    parents: dict[str, str | None] = {}
    last: str | None = None
    answered: dict[str, str] = {}
    said: dict[str, str] = {}
    for event in events:
        match event:
            case MessageWritten():
                texts[event.message] = event.text
                # One from before there were branches follows the message written before it.
                parents[event.message] = event.parent or last
                last = event.message
            case AnswerBegun():
                answered[event.answer] = event.message
            case AnswerEnded() if event.text and event.answer in answered:
                said[answered[event.answer]] = event.text
            case _:
                pass
    path: list[Exchange] = []
    at = newest or last
    while at in texts:
        # Each once: an older log may hold a message with the id of its chat, which follows itself.
        path.append(Exchange(at, texts.pop(at), said.get(at)))
        at = parents[at]
    return path[::-1]


def prompt_for(exchanges: Iterable[Exchange]) -> list[Turn]:
    """Give the prompt that asks for an answer to the newest message.

    An answer that the newest message has is left out: it is about to be answered anew.
    """
    turns = [SYSTEM]
    for exchange in exchanges:
        turns.append(("user", exchange.text))
        if exchange.answer is not None:
            turns.append(("assistant", exchange.answer))
    return turns[:-1] if turns[-1][0] == "assistant" else turns
