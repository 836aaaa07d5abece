"""The events of a chat folded into what the model is asked."""

from collections.abc import Iterable

from protocol.chat import AnswerBegun, AnswerEnded, Event, MessageWritten

Turn = tuple[str, str]
"""A role, `user` or `assistant`, and what was said."""


def turns(events: Iterable[Event]) -> list[Turn]:
    """Give the prompt that asks for an answer to the newest message.

    Of several answers to one message the newest that says anything counts, and none of the newest
    message: it is about to be answered anew. The model's own template adds a system text.
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
    prompt: list[Turn] = []
    for place, (message, text) in enumerate(messages, start=1):
        prompt.append(("user", text))
        if place < len(messages) and message in said:
            prompt.append(("assistant", said[message]))
    return prompt
