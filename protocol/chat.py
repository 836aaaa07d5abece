"""What a device and the home PC say on the data channel.

The PC keeps, for every user, a log of events with growing sequence numbers. A device keeps a
replica of it: it asks for everything after the last one it has, sends commands, and is told each
new event. One that has nothing yet is given the list of chats, then what happens from now on, and
beside it the past, the newest first. A command carries an id made by the device: sending it again
changes nothing and is acknowledged again. What is said of people and devices travels on the same
channel: see `household`.

The messages of a chat are a tree: each follows another, and one that is edited gets a sibling. The
parent of the first is the chat itself.
"""

from typing import Annotated, Literal

import msgspec

from protocol import limits
from protocol.base import Count, Folder, Id, Message, Record, Text, Title
from protocol.errors import ErrorCode
from protocol.household import Reply, Request

EndReason = Literal["stop", "length", "stopped", "cut", "failed"]
"""Why an answer ended: the model finished, the limit was reached, a person stopped it, the PC went
down in the middle of it, or the model failed."""

SettingName = Literal["language", "appearance"]
"""What a person chooses once for all of their devices."""

SettingText = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Setting(Record, frozen=True, kw_only=True):
    """A choice of the person."""

    name: SettingName
    value: SettingText


# device to PC


class DraftSeen(Record, frozen=True, kw_only=True):
    """How much of a running answer a device has: all before the delta `index`."""

    answer: Id
    index: Count


class Hello(Message, frozen=True, kw_only=True):
    """The first message on the channel: this is what I have, send me the rest.

    The device has every event from `before` up to `after` of the log `log`. Without a log it has
    nothing. `drafts` are the running answers that it has the beginning of.
    """

    version: Count
    log: Id | None = None
    after: Count = 0
    before: Count = 0
    drafts: Annotated[list[DraftSeen], msgspec.Meta(max_length=64)] = msgspec.field(
        default_factory=list
    )


class FetchChat(Message, frozen=True, kw_only=True):
    """Send me all of this chat now: a person looks at it. Answered by `ChatHistory`."""

    chat: Id


class CreateChat(Message, frozen=True, kw_only=True):
    """Begin a chat. `at_ms` is for one that is brought from elsewhere: when it was begun there."""

    id: Id
    chat: Id
    title: Title
    folder: Folder | None = None
    at_ms: Count | None = None


class RenameChat(Message, frozen=True, kw_only=True):
    """Give a chat another title."""

    id: Id
    chat: Id
    title: Title


class MoveChat(Message, frozen=True, kw_only=True):
    """Put a chat into a folder, which is no more than its name, or into none."""

    id: Id
    chat: Id
    folder: Folder | None


class DeleteChat(Message, frozen=True, kw_only=True):
    """Remove a chat and all that was said in it. A running answer is stopped."""

    id: Id
    chat: Id


class SendMessage(Message, frozen=True, kw_only=True):
    """Say something in a chat and ask for an answer.

    It follows `parent`, or without one the message that is the newest when it arrives. While an
    answer is being written in the chat, or others wait for theirs, it waits for its own.
    """

    id: Id
    chat: Id
    message: Id
    text: Text
    parent: Id | None = None


class EditMessage(Message, frozen=True, kw_only=True):
    """Say it in other words: `message` is written as a sibling of `replaces`, which stays."""

    id: Id
    chat: Id
    replaces: Id
    message: Id
    text: Text


class Regenerate(Message, frozen=True, kw_only=True):
    """Answer a message that nothing follows anew; the answer before is kept in the log."""

    id: Id
    chat: Id
    message: Id


class ContinueAnswer(Message, frozen=True, kw_only=True):
    """Go on with an answer that ended too early, from its last word.

    That is a new answer, which begins with its text. Only the newest answer to a message that
    nothing follows can be continued.
    """

    id: Id
    chat: Id
    answer: Id


class StopAnswer(Message, frozen=True, kw_only=True):
    """End a running answer; what was generated so far is kept."""

    id: Id
    answer: Id


class ChangeSetting(Message, frozen=True, kw_only=True):
    """Choose for all devices; None leaves it to each device."""

    id: Id
    name: SettingName
    value: SettingText | None


class ImportedAnswer(Record, frozen=True, kw_only=True):
    """An answer that was given elsewhere."""

    answer: Id
    at_ms: Count
    model: Annotated[str, msgspec.Meta(max_length=200)]
    text: Annotated[str, msgspec.Meta(max_length=limits.IMPORT_CHARS)]


class ImportedTurn(Record, frozen=True, kw_only=True):
    """A message that was written elsewhere. The parent is the chat, or a message before it."""

    message: Id
    parent: Id
    at_ms: Count
    text: Annotated[str, msgspec.Meta(max_length=limits.IMPORT_CHARS)]
    answer: ImportedAnswer | None = None


class ImportTurns(Message, frozen=True, kw_only=True):
    """Add what was said elsewhere to a chat, parents first.

    Messages and answers that are there are passed over. A message that was answered more than once
    comes with each of its answers in turn, the one that is shown last.
    """

    id: Id
    chat: Id
    turns: Annotated[list[ImportedTurn], msgspec.Meta(min_length=1, max_length=64)]


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
    folder: Folder | None = None


class ChatRenamed(Message, frozen=True, kw_only=True):
    """A chat has another title."""

    seq: Count
    at_ms: Count
    chat: Id
    title: Title


class ChatMoved(Message, frozen=True, kw_only=True):
    """A chat is in another folder, or in none."""

    seq: Count
    at_ms: Count
    chat: Id
    folder: Folder | None


class ChatDeleted(Message, frozen=True, kw_only=True):
    """A chat is gone, and every event of it before this one with it."""

    seq: Count
    at_ms: Count
    chat: Id


class MessageWritten(Message, frozen=True, kw_only=True):
    """A person said something.

    `parent` is the message that it follows, or the chat. Without one it follows the message written
    before it, as all did before there were branches.
    """

    seq: Count
    at_ms: Count
    chat: Id
    message: Id
    text: str
    parent: Id | None = None


class HistoryCut(Record, frozen=True, kw_only=True):
    """What a model could not hold of a conversation and did not see for an answer.

    It saw the chat from the message `first` on. Before it there are `left_out` messages, each with
    its answer. `limit` is how many tokens there was room for, beside those kept for the answer.
    """

    first: Id
    left_out: Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
    limit: Count


class AnswerBegun(Message, frozen=True, kw_only=True):
    """The PC began to answer a message. A later answer to the same message replaces an earlier.

    Where it `continues` another answer its text begins with all of that one's.
    """

    seq: Count
    at_ms: Count
    chat: Id
    message: Id
    answer: Id
    model: str
    cut: HistoryCut | None = None
    continues: Id | None = None


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


class SettingChanged(Message, frozen=True, kw_only=True):
    """The person chose for all devices, or left it to each."""

    seq: Count
    at_ms: Count
    name: SettingName
    value: SettingText | None


ChatEvent = (
    ChatCreated | ChatRenamed | ChatMoved | ChatDeleted | MessageWritten | AnswerBegun | AnswerEnded
)
Event = ChatEvent | SettingChanged

# PC to device


class Welcome(Message, frozen=True, kw_only=True):
    """Answers `Hello`: the device goes on from `after` and `before`, of the log `log`.

    They are those of the `Hello`, or, where it spoke of nothing or of another log, the newest
    number and the one after it: then the device drops what it has, and a `ChatList` follows.
    Events after `after` follow in order, in `History` while they are many, and those below
    `before` beside them, the newest first.
    `head` is the newest number. A log has a new id when an older backup took its place: up to
    number `common` it is the same as the log of the `Hello`, as far as the PC knows.
    """

    version: Count
    log: Id
    head: Count
    after: Count
    before: Count
    common: Count
    settings: list[Setting]
    model: str
    heartbeat_s: Count


class ChatHead(Record, frozen=True, kw_only=True):
    """A chat without what was said in it.

    `changed_ms` is the latest `at_ms` of its beginning, its messages and its answers.
    """

    chat: Id
    title: Title
    folder: Folder | None
    changed_ms: Count


class ChatList(Message, frozen=True, kw_only=True):
    """The chats that there are at the number `Welcome.after`; it may come in parts.

    Events or history follow where the log has any, and say that all parts were there. A device that
    was cut off before has not begun with this log.
    """

    chats: list[ChatHead]


class History(Message, frozen=True, kw_only=True):
    """Every event with a number from `first` to `last` that there still is.

    `packed` is the base64 (RFC 4648, section 4) of the zlib format (RFC 1950) of their UTF-8 JSON
    list, in the order of their numbers; it unpacks to at most UNPACKED_BYTES.
    """

    first: Count
    last: Count
    packed: str


class ChatHistory(Message, frozen=True, kw_only=True):
    """Answers `FetchChat`: more events of the chat, packed as in `History`, up to the last part."""

    chat: Id
    packed: str
    complete: bool


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


Command = (
    CreateChat
    | RenameChat
    | MoveChat
    | DeleteChat
    | SendMessage
    | EditMessage
    | Regenerate
    | ContinueAnswer
    | StopAnswer
    | ChangeSetting
    | ImportTurns
)
ToHome = Hello | FetchChat | Command | Request | Heartbeat | Alive
FromChats = (
    Welcome
    | ChatList
    | Events
    | History
    | ChatHistory
    | Draft
    | Delta
    | Acknowledged
    | ChatError
    | Heartbeat
    | Alive
)
FromHome = FromChats | Reply
