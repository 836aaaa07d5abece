"""What a command depends on beside the log, and what is to be done once its change is on disk."""

from collections.abc import Callable
from dataclasses import dataclass

from gpu_peer.chat.plan import Plan
from gpu_peer.errors import Refused
from gpu_peer.storage.user_log import UserLog
from protocol.chat import AnswerBegun


@dataclass(frozen=True)
class Outcome:
    """What is to be done once the change is on disk.

    Attributes:
        begun: An answer to generate, with what to ask for it.
        stopped: A running answer to stop.
        erased: A running answer to forget: its chat is gone.
        scrub: Text was deleted.
    """

    begun: tuple[AnswerBegun, Plan] | None = None
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


def need_chat(log: UserLog, chat: str) -> None:
    """Refuse to go on without the chat.

    Raises:
        Refused: there is no such chat.
    """
    if not log.has_chat(chat):
        raise Refused("chat_unknown", "There is no such chat.")


def need_fresh(log: UserLog, message: str, chat: str) -> None:
    """Refuse to write a message of a chat with an id that is taken: its own would follow itself.

    Raises:
        Refused: the user has such a message, or it is the chat's id.
    """
    if message == chat or log.has_message(message):
        raise Refused("malformed", "The id of the message is taken.")
