"""What a device and the home PC say on the data channel.

The PC keeps, for every user, a log of events with growing sequence numbers. A device asks for
everything after the last one it has, sends commands, and is told each new event. A command carries
an id made by the device: sending it again changes nothing and is acknowledged again. What is said
of people and devices travels on the same channel: see `household`.
"""

from typing import Annotated, Literal

import msgspec

from protocol.base import Count, Id, Message, Record, Text, Title
from protocol.errors import ErrorCode
from protocol.household import Reply, Request

EndReason = Literal["stop", "length", "stopped", "cut", "failed"]
"""Why an answer ended: the model finished, the limit was reached, a person stopped it, the PC went
down in the middle of it, or the model failed."""

# device to PC


class Hello(Message, frozen=True, kw_only=True):
    """The first message on the channel: send me every event after `after`."""

    version: Count
    after: Count


class CreateChat(Message, frozen=True, kw_only=True):
    """Begin a chat."""

    id: Id
    chat: Id
    title: Title


class RenameChat(Message, frozen=True, kw_only=True):
    """Give a chat another title."""

    id: Id
    chat: Id
    title: Title


class DeleteChat(Message, frozen=True, kw_only=True):
    """Remove a chat and all that was said in it. A running answer is stopped."""

    id: Id
    chat: Id


class SendMessage(Message, frozen=True, kw_only=True):
    """Say something in a chat and ask for an answer."""

    id: Id
    chat: Id
    message: Id
    text: Text


class Regenerate(Message, frozen=True, kw_only=True):
    """Answer the last message of the chat anew; the answer before is kept in the log."""

    id: Id
    chat: Id
    message: Id


class StopAnswer(Message, frozen=True, kw_only=True):
    """End a running answer; what was generated so far is kept."""

    id: Id
    answer: Id


class Heartbeat(Message, frozen=True, kw_only=True):
    """Is anybody there? Answered by `Alive`, by either side."""

    sent_ms: Count


class Alive(Message, frozen=True, kw_only=True):
    """Answers a heartbeat with the time it carried, so that its sender knows the round trip."""

    sent_ms: Count


# events of the log


class ChatCreated(Message, frozen=True, kw_only=True):
    """A chat was begun."""

    seq: Count
    at_ms: Count
    chat: Id
    title: Title


class ChatRenamed(Message, frozen=True, kw_only=True):
    """A chat has another title."""

    seq: Count
    at_ms: Count
    chat: Id
    title: Title


class ChatDeleted(Message, frozen=True, kw_only=True):
    """A chat is gone, and every event of it before this one with it."""

    seq: Count
    at_ms: Count
    chat: Id


class MessageWritten(Message, frozen=True, kw_only=True):
    """A person said something."""

    seq: Count
    at_ms: Count
    chat: Id
    message: Id
    text: str


class HistoryCut(Record, frozen=True, kw_only=True):
    """What a model could not hold of a conversation and did not see for an answer.

    It saw the chat from the message `first` on. Before it there are `left_out` messages, each with
    its answer. `limit` is how many tokens there was room for, beside those kept for the answer.
    """

    first: Id
    left_out: Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
    limit: Count


class AnswerBegun(Message, frozen=True, kw_only=True):
    """The PC began to answer a message. A later answer to the same message replaces an earlier."""

    seq: Count
    at_ms: Count
    chat: Id
    message: Id
    answer: Id
    model: str
    cut: HistoryCut | None = None


class AnswerTimings(Record, frozen=True, kw_only=True):
    """What an answer cost. Times are measured on the PC."""

    prompt_tokens: Count
    completion_tokens: Count
    first_token_ms: Annotated[float, msgspec.Meta(ge=0)]
    tokens_per_s: Annotated[float, msgspec.Meta(ge=0)]


class AnswerEnded(Message, frozen=True, kw_only=True):
    """An answer is complete, or as complete as it will be."""

    seq: Count
    at_ms: Count
    chat: Id
    answer: Id
    reason: EndReason
    text: str
    timings: AnswerTimings | None = None
    code: ErrorCode | None = None


Event = ChatCreated | ChatRenamed | ChatDeleted | MessageWritten | AnswerBegun | AnswerEnded

# PC to device


class Welcome(Message, frozen=True, kw_only=True):
    """Answers `Hello`. `head` is the newest sequence number; events up to it follow."""

    version: Count
    head: Count
    model: str
    heartbeat_s: Count


class Events(Message, frozen=True, kw_only=True):
    """Events in the order of their sequence numbers: a page of history, or one that just happened.

    Numbers may be missing where a deleted chat's events were; `upto` says how far this page
    reaches, and the device asks from there next time.
    """

    events: list[Event]
    upto: Count


class Draft(Message, frozen=True, kw_only=True):
    """All of a running answer so far. The next `Delta` of it has the same `index`."""

    chat: Id
    answer: Id
    index: Count
    text: str


class Delta(Message, frozen=True, kw_only=True):
    """More of a running answer. `index` counts the deltas of one answer from 0."""

    chat: Id
    answer: Id
    index: Count
    text: str


class Acknowledged(Message, frozen=True, kw_only=True):
    """The command is on disk. `seq` is the log's newest number after it."""

    id: Id
    seq: Count


class Excess(Record, frozen=True, kw_only=True):
    """How many tokens a message takes, and how many there is room for."""

    tokens: Count
    limit: Count


class ChatError(Message, frozen=True, kw_only=True, tag="error"):
    """What you sent was refused; `re` is the id of the command, where it has one.

    `excess` comes with `context_full`.
    """

    code: ErrorCode
    message: str
    re: Id | None = None
    excess: Excess | None = None


Command = CreateChat | RenameChat | DeleteChat | SendMessage | Regenerate | StopAnswer
ToHome = Hello | Command | Request | Heartbeat | Alive
FromChats = Welcome | Events | Draft | Delta | Acknowledged | ChatError | Heartbeat | Alive
FromHome = FromChats | Reply
