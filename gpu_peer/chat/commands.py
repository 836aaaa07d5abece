"""What a command changes in its user's log. Pure but for the open transaction it is handed."""

from gpu_peer.chat import branches
from gpu_peer.chat.imports import import_turns
from gpu_peer.chat.outcome import Circumstances, Outcome, need_chat
from gpu_peer.errors import Refused
from gpu_peer.storage.user_log import UserLog
from protocol.chat import (
    ChangeSetting,
    ChatCreated,
    ChatDeleted,
    ChatMoved,
    ChatRenamed,
    Command,
    ContinueAnswer,
    CreateChat,
    DeleteChat,
    EditMessage,
    ImportTurns,
    MoveChat,
    Regenerate,
    RenameChat,
    SendMessage,
    SettingChanged,
    StopAnswer,
)


def carry_out(command: Command, log: UserLog, around: Circumstances) -> Outcome:
    """Change the log as the command says.

    Raises:
        Refused: the command names what is not there, or cannot be done now.
        PlanOutdated: the chat has changed since the answer was planned.
    """
    match command:
        case CreateChat():
            return _create(command, log, around)
        case RenameChat(chat=chat):
            need_chat(log, chat)
            log.append(ChatRenamed(seq=0, at_ms=around.now_ms, chat=chat, title=command.title))
        case MoveChat(chat=chat):
            need_chat(log, chat)
            log.append(ChatMoved(seq=0, at_ms=around.now_ms, chat=chat, folder=command.folder))
        case DeleteChat(chat=chat):
            need_chat(log, chat)
            running = log.running_answer(chat)
            log.erase_chat(ChatDeleted(seq=0, at_ms=around.now_ms, chat=chat))
            return Outcome(erased=running, scrub=True)
        case SendMessage():
            return branches.send(command, log, around)
        case EditMessage():
            return branches.edit(command, log, around)
        case Regenerate():
            return branches.regenerate(command, log, around)
        case ContinueAnswer():
            return branches.go_on(command, log, around)
        case StopAnswer():
            if not log.has_answer(command.answer):
                raise Refused("answer_unknown", "There is no such answer.")
            # One that has ended meanwhile is what the person wanted.
            return Outcome(stopped=command.answer)
        case ChangeSetting():
            log.append(
                SettingChanged(seq=0, at_ms=around.now_ms, name=command.name, value=command.value)
            )
        case ImportTurns():
            need_chat(log, command.chat)
            import_turns(command, log, around.now_ms)
    return Outcome()


def _create(command: CreateChat, log: UserLog, around: Circumstances) -> Outcome:
    if log.chat_was_made(command.chat):
        raise Refused("chat_exists", "A chat with this id was made before.")
    at_ms = around.now_ms if command.at_ms is None else min(command.at_ms, around.now_ms)
    log.make_chat(command.chat)
    log.append(
        ChatCreated(
            seq=0, at_ms=at_ms, chat=command.chat, title=command.title, folder=command.folder
        )
    )
    return Outcome()
