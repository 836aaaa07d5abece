"""Messages and the answers to them: a tree in each chat, with at most one answer that is running.

A message that is written while an answer runs is in the log at once, and its answer waits: those
of a chat begin one after another, in the order in which the messages were written.
"""

from gpu_peer.chat.outcome import Circumstances, Outcome, need_chat, need_fresh
from gpu_peer.chat.plan import Plan
from gpu_peer.errors import PlanOutdated, Refused
from gpu_peer.storage.user_log import UserLog
from protocol.chat import (
    AnswerBegun,
    ContinueAnswer,
    EditMessage,
    MessageWritten,
    Regenerate,
    SendMessage,
)

WAITING = 32
"""So many messages of a chat may wait for their answers."""


def send(command: SendMessage, log: UserLog, around: Circumstances) -> Outcome:
    """Write a message and have it answered. Raises as `carry_out`."""
    need_chat(log, command.chat)
    parent = command.parent or log.last_message(command.chat) or command.chat
    if parent != command.chat:
        _need_message(log, parent, command.chat)
    return _write(command, parent, log, around)


def edit(command: EditMessage, log: UserLog, around: Circumstances) -> Outcome:
    """Write a message beside another and have it answered. Raises as `carry_out`."""
    need_chat(log, command.chat)
    _need_message(log, command.replaces, command.chat)
    return _write(command, log.parent_of(command.replaces) or command.chat, log, around)


def regenerate(command: Regenerate, log: UserLog, around: Circumstances) -> Outcome:
    """Have a message answered anew. Raises as `carry_out`."""
    need_chat(log, command.chat)
    _need_message(log, command.message, command.chat)
    _need_end(log, command.message)
    _need_quiet(log, command.chat)
    return _begin(command.chat, command.message, None, log, around)


def go_on(command: ContinueAnswer, log: UserLog, around: Circumstances) -> Outcome:
    """Have an answer gone on with. Raises as `carry_out`."""
    need_chat(log, command.chat)
    message = log.message_of(command.answer)
    if message is None or log.chat_of_message(message) != command.chat:
        raise Refused("answer_unknown", "There is no such answer.")
    _need_end(log, message)
    if log.last_answer(message) != command.answer:
        raise Refused("answer_unknown", "Only the newest answer can be continued.")
    _need_quiet(log, command.chat)
    return _begin(command.chat, message, command.answer, log, around)


def answer_waiting(chat: str, message: str, log: UserLog, around: Circumstances) -> Outcome:
    """Begin the answer to a message whose turn it is; nothing, where it is not.

    Raises:
        PlanOutdated: the chat has changed since the answer was planned.
    """
    if log.running_answer(chat) is not None or log.waiting(chat)[:1] != [message]:
        return Outcome()
    outcome = _begin(chat, message, None, log, around)
    log.end_wait(message)
    return outcome


def _write(
    command: SendMessage | EditMessage, parent: str, log: UserLog, around: Circumstances
) -> Outcome:
    chat, message = command.chat, command.message
    if not command.text.strip():
        raise Refused("text_empty", "The message has no text.")
    need_fresh(log, message, chat)
    waiting = len(log.waiting(chat))
    busy = waiting > 0 or log.running_answer(chat) is not None
    if waiting >= WAITING:
        raise Refused(
            "engine_busy", f"{WAITING} messages of this chat wait for an answer. Try again later."
        )
    if around.plan is None or (not busy and around.plan.after != log.newest(chat)):
        raise PlanOutdated
    log.append(
        MessageWritten(
            seq=0,
            at_ms=around.now_ms,
            chat=chat,
            message=message,
            text=command.text,
            parent=parent,
        )
    )
    if busy:
        log.let_wait(chat, message)
        return Outcome()
    return _ask(chat, message, None, around.plan, log, around)


def _begin(
    chat: str, message: str, continues: str | None, log: UserLog, around: Circumstances
) -> Outcome:
    if around.plan is None or around.plan.after != log.newest(chat):
        raise PlanOutdated
    return _ask(chat, message, continues, around.plan, log, around)


def _ask(
    chat: str,
    message: str,
    continues: str | None,
    plan: Plan,
    log: UserLog,
    around: Circumstances,
) -> Outcome:
    begun = AnswerBegun(
        seq=log.head + 1,
        at_ms=around.now_ms,
        chat=chat,
        message=message,
        answer=around.new_id(),
        model=around.model,
        cut=plan.cut,
        continues=continues,
    )
    seq = log.append(begun)
    assert seq == begun.seq  # noqa: S101  # the log numbers without gaps inside a transaction
    log.open_draft(chat, begun.answer, plan.begun)
    return Outcome(begun=(begun, plan))


def _need_message(log: UserLog, message: str, chat: str) -> None:
    if log.chat_of_message(message) != chat:
        raise Refused("message_unknown", "There is no such message in this chat.")


def _need_end(log: UserLog, message: str) -> None:
    if log.is_followed(message):
        raise Refused(
            "message_unknown",
            "Only a message that nothing follows can be answered anew. Edit it instead.",
        )


def _need_quiet(log: UserLog, chat: str) -> None:
    if log.running_answer(chat) is not None or log.waiting(chat):
        raise Refused("answer_running", "An answer in this chat is still being written.")
