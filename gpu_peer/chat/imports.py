"""What was said elsewhere, written into the log as if it had been said here."""

from gpu_peer.errors import Refused
from gpu_peer.storage.user_log import UserLog
from protocol import codec, limits
from protocol.chat import (
    AnswerBegun,
    AnswerEnded,
    Event,
    ImportedAnswer,
    ImportTurns,
    MessageWritten,
)

ROUND_AN_EVENT = 1024
"""So many bytes of a message on the wire are left for what an event is sent in."""


def import_turns(command: ImportTurns, log: UserLog, now_ms: int) -> None:
    """Add the turns to their chat, which is there. Those that are there are passed over.

    A time in the future becomes `now_ms`.

    Raises:
        Refused: a parent is not there, or a text is too large to be sent to a device.
    """
    for turn in command.turns:
        if log.has_message(turn.message):
            continue
        if turn.parent != command.chat and log.chat_of_message(turn.parent) != command.chat:
            raise Refused(
                "message_unknown", "A message follows one that is not in this chat. Import it all."
            )
        _append(
            log,
            MessageWritten(
                seq=0,
                at_ms=min(turn.at_ms, now_ms),
                chat=command.chat,
                message=turn.message,
                text=turn.text,
                parent=turn.parent,
            ),
        )
        if turn.answer is not None and not log.has_answer(turn.answer.answer):
            _answer(log, command.chat, turn.message, turn.answer, now_ms)


def _answer(log: UserLog, chat: str, message: str, given: ImportedAnswer, now_ms: int) -> None:
    at_ms = min(given.at_ms, now_ms)
    log.append(
        AnswerBegun(
            seq=0, at_ms=at_ms, chat=chat, message=message, answer=given.answer, model=given.model
        )
    )
    _append(
        log,
        AnswerEnded(
            seq=0, at_ms=at_ms, chat=chat, answer=given.answer, reason="stop", text=given.text
        ),
    )


def _append(log: UserLog, event: Event) -> None:
    if len(codec.encode(event)) > limits.MESSAGE_BYTES - ROUND_AN_EVENT:
        raise Refused("too_large", "A message is too large to be imported. Shorten it there.")
    log.append(event)
