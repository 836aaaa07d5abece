"""What was said elsewhere, written into the log as if it had been said here."""

from gpu_peer.chat.outcome import need_fresh
from gpu_peer.errors import Refused
from gpu_peer.storage.user_log import UserLog
from protocol import codec, limits
from protocol.chat import (
    AnswerBegun,
    AnswerEnded,
    Event,
    ImportedAnswer,
    ImportedTurn,
    ImportTurns,
    MessageWritten,
)
from protocol.packing import pack

ROUND_AN_EVENT = 1024
"""So many bytes of a message on the wire are left for what an event is sent in."""


def import_turns(command: ImportTurns, log: UserLog, now_ms: int) -> None:
    """Add the turns to their chat, which is there. Those that are there are passed over.

    A time in the future becomes `now_ms`.

    Raises:
        Refused: a parent is not there, or a text is too large to be sent to a device.
    """
    for turn in command.turns:
        there = log.chat_of_message(turn.message)
        if there is None:
            need_fresh(log, turn.message, command.chat)
            _message(log, command.chat, turn, now_ms)
        # A message with several answers comes once with each; the last is the one that is shown.
        answer = turn.answer
        if answer is None or there not in (None, command.chat):
            continue
        if not log.has_answer(answer.answer):
            _answer(log, command.chat, turn.message, answer, now_ms)


def _message(log: UserLog, chat: str, turn: ImportedTurn, now_ms: int) -> None:
    if turn.parent != chat and log.chat_of_message(turn.parent) != chat:
        raise Refused(
            "message_unknown", "A message follows one that is not in this chat. Import it all."
        )
    _append(
        log,
        MessageWritten(
            seq=0,
            at_ms=min(turn.at_ms, now_ms),
            chat=chat,
            message=turn.message,
            text=turn.text,
            parent=turn.parent,
        ),
    )


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
    room = limits.MESSAGE_BYTES - ROUND_AN_EVENT
    body = codec.encode(event)
    # What compresses badly takes more when it is packed.
    if len(body) > room or len(pack([body])) > room:
        raise Refused("too_large", "A message is too large to be imported. Shorten it there.")
    log.append(event)
