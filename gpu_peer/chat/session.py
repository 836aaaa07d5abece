"""One device's session as a state machine: an enum, a table, and no waiting.

What arrives is sorted into kinds; state and kind give the next state and what to do. `mermaid`
draws the table for docs/protocol.md.
"""

from dataclasses import dataclass
from enum import Enum

from gpu_peer import state_diagram
from protocol import VERSION
from protocol.chat import (
    Alive,
    ChatError,
    Command,
    FetchChat,
    FromHome,
    Heartbeat,
    Hello,
    ToHome,
)
from protocol.codec import check_version
from protocol.errors import ErrorCode, ProtocolError, UnsupportedVersion
from protocol.household import Request, RequestRefused

HELLO_MS = 10_000
"""A device that has not said hello by then is sent away."""

BAD_MESSAGES = 20
"""After so many messages that could not be understood the session is closed."""

MESSAGES_PER_S = 100
"""More than this many messages in one second are refused."""


class State(Enum):
    """Where a session is."""

    AWAITING_HELLO = "the channel is open, the device has not said what it wants"
    OPEN = "commands are carried out and events flow"
    CLOSED = "over; nothing is answered any more"


class Kind(Enum):
    """What can happen to a session."""

    HELLO = "hello"
    WRONG_VERSION = "hello of another version"
    COMMAND = "command"
    FETCH = "fetch_chat"
    REQUEST = "request"
    HEARTBEAT = "heartbeat"
    ALIVE = "alive"
    BAD = "not a message"
    BAD_LIMIT = "not a message, once too often"
    FLOOD = "too many messages"
    HELLO_LATE = "no hello in time"


class Action(Enum):
    """What to do about it."""

    FOLLOW = "welcome, then events"
    EXECUTE = "carry out"
    FETCH = "send the chat"
    ASK = "ask the household"
    ANSWER_ALIVE = "alive"
    REFUSE_VERSION = "refuse: unsupported_version"
    REFUSE_BAD = "refuse: malformed, unknown_type or too_large"
    REFUSE_NOT_READY = "refuse: not_ready"
    REFUSE_SECOND_HELLO = "refuse: malformed"
    REFUSE_FLOOD = "refuse: rate_limited"
    NOTHING = "nothing"


A, O, C = State.AWAITING_HELLO, State.OPEN, State.CLOSED  # noqa: E741  # short, so that the table reads as one

TABLE: dict[tuple[State, Kind], tuple[State, Action]] = {
    (A, Kind.HELLO): (O, Action.FOLLOW),
    (A, Kind.WRONG_VERSION): (C, Action.REFUSE_VERSION),
    (A, Kind.COMMAND): (A, Action.REFUSE_NOT_READY),
    (A, Kind.FETCH): (A, Action.REFUSE_NOT_READY),
    (A, Kind.REQUEST): (A, Action.REFUSE_NOT_READY),
    (A, Kind.HEARTBEAT): (A, Action.ANSWER_ALIVE),
    (A, Kind.ALIVE): (A, Action.NOTHING),
    (A, Kind.BAD): (A, Action.REFUSE_BAD),
    (A, Kind.BAD_LIMIT): (C, Action.REFUSE_BAD),
    (A, Kind.FLOOD): (A, Action.REFUSE_FLOOD),
    (A, Kind.HELLO_LATE): (C, Action.REFUSE_NOT_READY),
    (O, Kind.HELLO): (O, Action.REFUSE_SECOND_HELLO),
    (O, Kind.WRONG_VERSION): (C, Action.REFUSE_VERSION),
    (O, Kind.COMMAND): (O, Action.EXECUTE),
    (O, Kind.FETCH): (O, Action.FETCH),
    (O, Kind.REQUEST): (O, Action.ASK),
    (O, Kind.HEARTBEAT): (O, Action.ANSWER_ALIVE),
    (O, Kind.ALIVE): (O, Action.NOTHING),
    (O, Kind.BAD): (O, Action.REFUSE_BAD),
    (O, Kind.BAD_LIMIT): (C, Action.REFUSE_BAD),
    (O, Kind.FLOOD): (O, Action.REFUSE_FLOOD),
    (O, Kind.HELLO_LATE): (O, Action.NOTHING),
    **{(C, kind): (C, Action.NOTHING) for kind in Kind},
}


@dataclass(frozen=True)
class Reply:
    """Send this."""

    message: FromHome


@dataclass(frozen=True)
class Execute:
    """Carry this out, then send its acknowledgement or why it was refused."""

    command: Command


@dataclass(frozen=True)
class Ask:
    """Have the household carry this out; it replies by itself."""

    request: Request


@dataclass(frozen=True)
class Follow:
    """Send the welcome, then what the device does not have, then what happens."""

    hello: Hello


@dataclass(frozen=True)
class Fetch:
    """Send all of this chat before the rest of the past."""

    chat: str


Effect = Reply | Execute | Ask | Follow | Fetch


class Session:
    """One device's session. `now_ms` is of any clock that only grows."""

    def __init__(self, now_ms: int) -> None:
        self.state = State.AWAITING_HELLO
        self._born_ms = now_ms
        self._bad = 0
        self._second_ms = now_ms
        self._in_second = 0

    def receive(self, message: ToHome, now_ms: int) -> list[Effect]:
        """Take a message; give what to do, in order."""
        if self._flooded(now_ms):
            return self._step(Kind.FLOOD, message=message)
        match message:
            case Hello():
                try:
                    check_version(message.version, VERSION)
                except UnsupportedVersion as error:
                    return self._step(Kind.WRONG_VERSION, error=error)
                return self._step(Kind.HELLO, message=message)
            case Heartbeat():
                return self._step(Kind.HEARTBEAT, message=message)
            case Alive():
                return self._step(Kind.ALIVE)
            case FetchChat():
                return self._step(Kind.FETCH, message=message)
            case _ if isinstance(message, Request):
                return self._step(Kind.REQUEST, message=message)
            case _:
                return self._step(Kind.COMMAND, message=message)

    def receive_bad(self, error: ProtocolError) -> list[Effect]:
        """Take bytes that are not a message."""
        self._bad += 1
        return self._step(Kind.BAD_LIMIT if self._bad >= BAD_MESSAGES else Kind.BAD, error=error)

    def tick(self, now_ms: int) -> list[Effect]:
        """Notice that time has passed."""
        late = now_ms - self._born_ms >= HELLO_MS
        return self._step(Kind.HELLO_LATE) if late else []

    def _step(
        self,
        kind: Kind,
        message: ToHome | None = None,
        error: ProtocolError | None = None,
    ) -> list[Effect]:
        self.state, action = TABLE[self.state, kind]
        return _effects(action, message, error)

    def _flooded(self, now_ms: int) -> bool:
        if now_ms - self._second_ms >= 1000:
            self._second_ms, self._in_second = now_ms, 0
        self._in_second += 1
        return self._in_second > MESSAGES_PER_S


def mermaid() -> str:
    """Draw the table as a mermaid state diagram."""
    return state_diagram.mermaid(TABLE, State.AWAITING_HELLO, [State.CLOSED])


def _effects(action: Action, message: ToHome | None, error: ProtocolError | None) -> list[Effect]:
    command = message if isinstance(message, Command | Request) else None
    match action:
        case Action.FOLLOW if isinstance(message, Hello):
            return [Follow(message)]
        case Action.FETCH if isinstance(message, FetchChat):
            return [Fetch(message.chat)]
        case Action.EXECUTE if isinstance(command, Command):
            return [Execute(command)]
        case Action.ASK if isinstance(command, Request):
            return [Ask(command)]
        case Action.ANSWER_ALIVE if isinstance(message, Heartbeat):
            return [Reply(Alive(sent_ms=message.sent_ms))]
        case Action.REFUSE_VERSION | Action.REFUSE_BAD if error is not None:
            return [Reply(ChatError(code=error.code, message=str(error)))]
        case Action.REFUSE_NOT_READY:
            return [_refusal("not_ready", "Say hello first.", command)]
        case Action.REFUSE_SECOND_HELLO:
            return [_refusal("malformed", "Hello was said before.", command)]
        case Action.REFUSE_FLOOD:
            text = f"More than {MESSAGES_PER_S} messages in a second. Send this again later."
            return [_refusal("rate_limited", text, command)]
        case _:
            return []


def _refusal(code: ErrorCode, sentence: str, command: Command | Request | None) -> Effect:
    if isinstance(command, Request):
        return Reply(RequestRefused(id=command.id, code=code, message=sentence))
    return Reply(ChatError(code=code, message=sentence, re=command.id if command else None))
