"""What a command changes in its user's log. Pure but for the open transaction it is handed."""

from collections.abc import Callable
from dataclasses import dataclass

from gpu_peer.chat.conversation import Turn
from gpu_peer.chat.plan import Plan
from gpu_peer.errors import PlanOutdated, Refused
from gpu_peer.storage.user_log import UserLog
from protocol.chat import (
    AnswerBegun,
    ChatCreated,
    ChatDeleted,
    ChatRenamed,
    Command,
    CreateChat,
    DeleteChat,
    MessageWritten,
    Regenerate,
    RenameChat,
    SendMessage,
    StopAnswer,
)


@dataclass
class Outcome:
    """What is to be done once the change is on disk.

    Attributes:
        begun: An answer to generate, with the prompt to ask for it.
        stopped: A running answer to stop.
        erased: A running answer to forget: its chat is gone.
        scrub: Text was deleted.
    """

    begun: tuple[AnswerBegun, list[Turn]] | None = None
    stopped: str | None = None
    erased: str | None = None
    scrub: bool = False


@dataclass(frozen=True)
class Circumstances:
    """What a command depends on beside the log.

    Attributes:
        now_ms: The time.
        model: Who answers.
        new_id: Makes ids.
        plan: What to ask; only for a command that asks for an answer.
    """

    now_ms: int
    model: str
    new_id: Callable[[], str]
    plan: Plan | None = None


def carry_out(command: Command, log: UserLog, around: Circumstances) -> Outcome:
    """Change the log as the command says.

    Raises:
        Refused: the command names what is not there, or cannot be done now.
        PlanOutdated: the chat has changed since the answer was planned.
    """
    match command:
        case CreateChat():
            _create(command, log, around)
            return Outcome()
        case RenameChat():
            _need_chat(log, command.chat)
            log.append(
                ChatRenamed(seq=0, at_ms=around.now_ms, chat=command.chat, title=command.title)
            )
            return Outcome()
        case DeleteChat():
            _need_chat(log, command.chat)
            running = log.running_answer(command.chat)
            log.erase_chat(ChatDeleted(seq=0, at_ms=around.now_ms, chat=command.chat))
            return Outcome(erased=running, scrub=True)
        case SendMessage():
            return _send(command, log, around)
        case Regenerate():
            return _regenerate(command, log, around)
        case StopAnswer():
            if not log.has_answer(command.answer):
                raise Refused("answer_unknown", "There is no such answer.")
            # One that has ended meanwhile is what the person wanted.
            return Outcome(stopped=command.answer)


def _create(command: CreateChat, log: UserLog, around: Circumstances) -> None:
    if log.chat_was_made(command.chat):
        raise Refused("malformed", "A chat with this id was made before.")
    log.make_chat(command.chat)
    log.append(ChatCreated(seq=0, at_ms=around.now_ms, chat=command.chat, title=command.title))


def _send(command: SendMessage, log: UserLog, around: Circumstances) -> Outcome:
    _need_chat(log, command.chat)
    if not command.text.strip():
        raise Refused("text_empty", "The message has no text.")
    if log.has_message(command.message):
        raise Refused("malformed", "A message with this id was written before.")
    _need_quiet(log, command.chat)
    plan = _need_plan(log, command.chat, around)
    log.append(
        MessageWritten(
            seq=0,
            at_ms=around.now_ms,
            chat=command.chat,
            message=command.message,
            text=command.text,
        )
    )
    return _begin(command, plan, log, around)


def _regenerate(command: Regenerate, log: UserLog, around: Circumstances) -> Outcome:
    _need_chat(log, command.chat)
    if log.last_message(command.chat) != command.message:
        raise Refused("message_unknown", "Only the last message of a chat can be answered anew.")
    _need_quiet(log, command.chat)
    return _begin(command, _need_plan(log, command.chat, around), log, around)


def _begin(
    command: SendMessage | Regenerate, plan: Plan, log: UserLog, around: Circumstances
) -> Outcome:
    answer = around.new_id()
    seq = log.append(
        begun := AnswerBegun(
            seq=log.head + 1,
            at_ms=around.now_ms,
            chat=command.chat,
            message=command.message,
            answer=answer,
            model=around.model,
            cut=plan.cut,
        )
    )
    assert seq == begun.seq  # noqa: S101  # the log numbers without gaps inside a transaction
    log.open_draft(command.chat, answer)
    return Outcome(begun=(begun, plan.prompt))


def _need_chat(log: UserLog, chat: str) -> None:
    if not log.has_chat(chat):
        raise Refused("chat_unknown", "There is no such chat.")


def _need_quiet(log: UserLog, chat: str) -> None:
    if log.running_answer(chat) is not None:
        raise Refused("answer_running", "An answer in this chat is still being written.")


def _need_plan(log: UserLog, chat: str, around: Circumstances) -> Plan:
    if around.plan is None or around.plan.after != log.newest(chat):
        raise PlanOutdated
    return around.plan
