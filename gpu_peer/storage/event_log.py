"""The event log: every change of one user's chats, with numbers that only grow."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from gpu_peer.storage.database import transaction
from gpu_peer.storage.lineage import begin_another_log
from gpu_peer.storage.user_log import UserLog, one
from gpu_peer.uuid7 import uuid7
from protocol import codec
from protocol.chat import ChatHead, Event, Setting

PAGE_BYTES = 131_072
"""A page holds at most this many bytes of events, but at least one event."""


@dataclass(frozen=True)
class Page:
    """Events in order, and from which number to which they are all that there still are.

    Attributes:
        bodies: Each event's UTF-8 JSON, as it is on the wire.
        first: Before it nothing was looked at.
        last: Nor after it.
    """

    bodies: list[bytes]
    first: int
    last: int

    @property
    def size(self) -> int:
        """How many bytes the events have."""
        return sum(map(len, self.bodies))


@dataclass(frozen=True)
class Standing:
    """Where a user's log is.

    Attributes:
        log: Its id; another one once an older backup took its place.
        head: The newest number; 0 when nothing ever happened.
        settings: What the user chose for all devices.
    """

    log: str
    head: int
    settings: list[Setting]


@dataclass(frozen=True)
class Written:
    """What a transaction did.

    Attributes:
        seq: The log's newest number after the change.
        repeated: The command was known, so nothing was changed now.
    """

    seq: int
    repeated: bool


@dataclass(frozen=True)
class OpenAnswer:
    """An answer that was begun and has not ended, with its text as last saved."""

    user: str
    chat: str
    answer: str
    text: str


class EventLog:
    """The logs of all users. Every method is one transaction; none waits for anything else."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def change(self, user: str, command: str | None, change: Callable[[UserLog], None]) -> Written:
        """Carry out a change once: all of it is on disk afterwards, or nothing.

        A command that was carried out before changes nothing, and is told so even when the disk
        takes no more. Whatever `change` raises undoes it.
        """
        if command is not None:
            query = "SELECT seq FROM commands WHERE user = ? AND id = ?"
            if (seq := one(self._db, query, user, command)) is not None:
                return Written(seq, repeated=True)
        with transaction(self._db):
            log = UserLog(self._db, user)
            change(log)
            if command is not None:
                self._db.execute("INSERT INTO commands VALUES (?, ?, ?)", (user, command, log.head))
        return Written(log.head, repeated=False)

    def knows(self, user: str, command: str) -> bool:
        """Whether the command was carried out before."""
        query = "SELECT 1 FROM commands WHERE user = ? AND id = ?"
        return one(self._db, query, user, command) is not None

    def standing(self, user: str) -> Standing:
        """Say where the user's log is. It is given its id here, when it has none yet."""
        row = self._db.execute("SELECT log, head FROM users WHERE id = ?", (user,)).fetchone()
        if row is None or row[0] is None:
            with transaction(self._db):
                self._db.execute(
                    "INSERT INTO users (id, head, log) VALUES (?, 0, ?)"
                    " ON CONFLICT (id) DO UPDATE SET log = excluded.log",
                    (user, uuid7()),
                )
            return self.standing(user)
        settings = self._db.execute(
            "SELECT name, value FROM settings WHERE user = ? ORDER BY name", (user,)
        )
        log, head = row
        return Standing(log, head, [Setting(name=name, value=value) for name, value in settings])

    def common(self, user: str, log: str) -> int:
        """Give the number up to which another log is the same as this one, as far as is known."""
        query = "SELECT common FROM ancestors WHERE user = ? AND log = ?"
        return one(self._db, query, user, log) or 0

    def begin_another(self, user: str, log: str, common: int) -> None:
        """Give the user's log a new id, where it has that one: see `begin_another_log`."""
        with transaction(self._db):
            begin_another_log(self._db, user, log, common)

    def heads(self) -> dict[str, int]:
        """Give the newest number of every user."""
        return dict(self._db.execute("SELECT id, head FROM users"))

    def head(self, user: str) -> int:
        """Give the user's newest number; 0 when nothing ever happened."""
        return one(self._db, "SELECT head FROM users WHERE id = ?", user) or 0

    def page(self, user: str, after: int) -> Page:
        """Give the events that follow number `after`, as many as fit a page."""
        rows = self._db.execute(
            "SELECT seq, body FROM events WHERE user = ? AND seq > ? ORDER BY seq", (user, after)
        )
        bodies, last = _fill(rows)
        return Page(bodies, after + 1, max(after, self.head(user)) if last is None else last)

    def past(self, user: str, before: int) -> Page:
        """Give the events before number `before`, the newest of them, as many as fit a page."""
        rows = self._db.execute(
            "SELECT seq, body FROM events WHERE user = ? AND seq < ? ORDER BY seq DESC",
            (user, before),
        )
        bodies, first = _fill(rows)
        return Page(bodies[::-1], 1 if first is None else first, before - 1)

    def page_of(self, user: str, chat: str, after: int, upto: int) -> Page:
        """Give events of one of the user's chats that follow `after`, `upto` the last of all."""
        rows = self._db.execute(
            "SELECT seq, body FROM events WHERE user = ? AND chat = ? AND seq > ? AND seq <= ?"
            " ORDER BY seq",
            (user, chat, after, upto),
        )
        bodies, last = _fill(rows)
        return Page(bodies, after + 1, upto if last is None else last)

    def chats(self, user: str) -> list[ChatHead]:
        """Give the user's chats, the one that changed last first."""
        rows = self._db.execute(
            "SELECT id, title, folder, changed_ms FROM chats WHERE user = ? AND NOT deleted"
            " ORDER BY changed_ms DESC, id DESC",
            (user,),
        )
        return [
            ChatHead(chat=chat, title=title, folder=folder, changed_ms=changed_ms)
            for chat, title, folder, changed_ms in rows
        ]

    def events_of(self, user: str, chat: str) -> list[Event]:
        """Give every event of one of the user's chats, in order."""
        rows = self._db.execute(
            "SELECT body FROM events WHERE user = ? AND chat = ? ORDER BY seq", (user, chat)
        )
        return [codec.event.decode(body) for (body,) in rows]

    def save_draft(self, user: str, answer: str, text: str) -> None:
        """Keep the text of a running answer, so that little is lost when the power goes."""
        with transaction(self._db):
            self._db.execute(
                "UPDATE drafts SET text = ? WHERE user = ? AND answer = ?", (text, user, answer)
            )

    def open_answers(self) -> list[OpenAnswer]:
        """Give the answers of all users that have not ended."""
        rows = self._db.execute("SELECT user, chat, answer, text FROM drafts")
        return [OpenAnswer(*row) for row in rows]

    def next_waiting(self, user: str, chat: str) -> str | None:
        """Give the chat's message that is to be answered next."""
        query = "SELECT message FROM waiting WHERE user = ? AND chat = ? ORDER BY seq LIMIT 1"
        message: str | None = one(self._db, query, user, chat)
        return message

    def waiting_chats(self) -> list[tuple[str, str]]:
        """Give user and chat of all users' chats in which messages wait for an answer."""
        return list(self._db.execute("SELECT DISTINCT user, chat FROM waiting ORDER BY user, chat"))

    def scrub(self) -> bool:
        """Take what was deleted since the last time out of the files.

        False where some of it may still be there, as while somebody else reads from the log.

        That takes as long as they are large. `secure_delete` overwrites rows where they are, but
        not what SQLite left of them on a page when it moved them to another: only a file that is
        written anew has nothing of them.
        """
        if self._db.execute("PRAGMA user_version").fetchone() == (0,):
            return True
        try:
            self._db.execute("VACUUM")
        finally:
            # Where there was no room to write the file anew, at least most of the text goes.
            emptied = self._checkpointed()
        if emptied:
            self._db.execute("PRAGMA user_version = 0")
            self._checkpointed()
        return emptied

    def _checkpointed(self) -> bool:
        """Empty the write-ahead log; false while somebody else reads from it."""
        (busy, *_) = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy


def _fill(rows: sqlite3.Cursor) -> tuple[list[bytes], int | None]:
    """Take what fits a page, and give the last one's number; None when there was no more."""
    bodies: list[bytes] = []
    size, reached = 0, 0
    for seq, body in rows:
        size += len(body)
        if bodies and size > PAGE_BYTES:
            rows.close()
            return bodies, reached
        bodies.append(body)
        reached = seq
    return bodies, None
