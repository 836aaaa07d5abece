"""The events of a chat folded into what the model is asked."""

from collections.abc import Iterable

from protocol.chat import AnswerBegun, AnswerEnded, Event, MessageWritten

Turn = tuple[str, str]
"""A role, `system`, `user` or `assistant`, and what was said."""

SYSTEM: Turn = ("system", "You are a helpful AI assistant named Hearth.")
"""The words that small models are trained on, with our name.

Measured with the embedded model and the sampling of `rust_engine`: asked for the capital of France
12 times, it says Paris 12 times after these words, and 5 times after 'You are Hearth, a helpful AI
assistant.'
"""


def prompt_for(events: Iterable[Event]) -> list[Turn]:
    """Give the prompt that asks for an answer to the newest message.

    Of several answers to one message the newest that says anything counts, and none of the newest
    message: it is about to be answered anew.
    """
    messages: list[tuple[str, str]] = []
    answered: dict[str, str] = {}
    said: dict[str, str] = {}
    for event in events:
        match event:
            case MessageWritten():
                messages.append((event.message, event.text))
            case AnswerBegun():
                answered[event.answer] = event.message
            case AnswerEnded() if event.text and event.answer in answered:
                said[answered[event.answer]] = event.text
            case _:
                pass
    turns = [SYSTEM]
    for place, (message, text) in enumerate(messages, start=1):
        turns.append(("user", text))
        if place < len(messages) and message in said:
            turns.append(("assistant", said[message]))
    return turns
