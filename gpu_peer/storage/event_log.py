"""The event log: every change of one user's chats, with numbers that only grow."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from gpu_peer.storage.database import transaction
from protocol import codec
from protocol.chat import AnswerBegun, ChatDeleted, Event, MessageWritten

PAGE_BYTES = 65_536
"""A page of history holds at most this many bytes of events, but at least one event."""


@dataclass(frozen=True)
class Page:
    """Events in order, and how far they reach. No events: there is nothing after."""

    events: list[Event]
    upto: int


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


class UserLog:
    """One user's log inside one transaction. Sees only what is this user's."""

    def __init__(self, db: sqlite3.Connection, user: str) -> None:
        self._db = db
        self._user = user
        db.execute("INSERT OR IGNORE INTO users VALUES (?, 0)", (user,))
        self.head: int = _one(db, "SELECT head FROM users WHERE id = ?", user)

    def append(self, event: Event) -> int:
        """Give the event the next number and add it. Returns the number."""
        self.head += 1
        body = codec.encode(msgspec.structs.replace(event, seq=self.head))
        kind = str(type(event).__struct_config__.tag)
        message = event.message if isinstance(event, MessageWritten | AnswerBegun) else None
        answer = getattr(event, "answer", None)
        self._db.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
            (self._user, self.head, event.chat, kind, message, answer, body),
        )
        self._db.execute("UPDATE users SET head = ? WHERE id = ?", (self.head, self._user))
        return self.head

    def chat_was_made(self, chat: str) -> bool:
        """Whether this user ever made the chat, deleted or not."""
        return self._has("SELECT 1 FROM chats WHERE user = ? AND id = ?", chat)

    def has_chat(self, chat: str) -> bool:
        """Whether the user has the chat now."""
        return self._has("SELECT 1 FROM chats WHERE user = ? AND id = ? AND NOT deleted", chat)

    def has_message(self, message: str) -> bool:
        """Whether the user wrote this message in any chat."""
        return self._has(
            "SELECT 1 FROM events WHERE user = ? AND message = ? AND type = 'message_written'",
            message,
        )

    def has_answer(self, answer: str) -> bool:
        """Whether the answer was ever begun."""
        return self._has(
            "SELECT 1 FROM events WHERE user = ? AND answer = ? AND type = 'answer_begun'", answer
        )

    def last_message(self, chat: str) -> str | None:
        """Give the id of the newest message of the chat."""
        found: str | None = _one(
            self._db,
            "SELECT message FROM events WHERE user = ? AND chat = ?"
            " AND type = 'message_written' ORDER BY seq DESC LIMIT 1",
            self._user,
            chat,
        )
        return found

    def running_answer(self, chat: str) -> str | None:
        """Give the id of the chat's answer that has not ended."""
        found: str | None = _one(
            self._db,
            "SELECT answer FROM drafts WHERE user = ? AND chat = ?",
            self._user,
            chat,
        )
        return found

    def newest(self, chat: str) -> int:
        """Give the number of the chat's newest event; 0 where there is none."""
        query = "SELECT max(seq) FROM events WHERE user = ? AND chat = ?"
        return _one(self._db, query, self._user, chat) or 0

    def make_chat(self, chat: str) -> None:
        """Make room for a chat that was never made."""
        self._db.execute("INSERT INTO chats VALUES (?, ?, 0)", (self._user, chat))

    def erase_chat(self, deleted: ChatDeleted) -> None:
        """Remove all of the chat's events and its draft, and append that it is gone."""
        of_chat = (self._user, deleted.chat)
        self._db.execute("DELETE FROM drafts WHERE user = ? AND chat = ?", of_chat)
        self._db.execute("DELETE FROM events WHERE user = ? AND chat = ?", of_chat)
        self._db.execute("UPDATE chats SET deleted = 1 WHERE user = ? AND id = ?", of_chat)
        self.append(deleted)

    def open_draft(self, chat: str, answer: str) -> None:
        """Remember that the answer runs."""
        self._db.execute("INSERT INTO drafts VALUES (?, ?, ?, '')", (self._user, chat, answer))

    def close_draft(self, answer: str) -> bool:
        """Forget that the answer runs; false when it did not, as after its chat was deleted."""
        gone = self._db.execute(
            "DELETE FROM drafts WHERE user = ? AND answer = ?", (self._user, answer)
        )
        return gone.rowcount > 0

    def _has(self, query: str, value: str) -> bool:
        return self._db.execute(query, (self._user, value)).fetchone() is not None


class EventLog:
    """The logs of all users. Every method is one transaction; none waits for anything else."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def change(self, user: str, command: str | None, change: Callable[[UserLog], None]) -> Written:
        """Carry out a change once: all of it is on disk afterwards, or nothing.

        A command that was carried out before changes nothing. Whatever `change` raises undoes it.
        """
        with transaction(self._db):
            if command is not None:
                query = "SELECT seq FROM commands WHERE user = ? AND id = ?"
                if (seq := _one(self._db, query, user, command)) is not None:
                    return Written(seq, repeated=True)
            log = UserLog(self._db, user)
            change(log)
            if command is not None:
                self._db.execute("INSERT INTO commands VALUES (?, ?, ?)", (user, command, log.head))
        return Written(log.head, repeated=False)

    def head(self, user: str) -> int:
        """Give the user's newest number; 0 when nothing ever happened."""
        return _one(self._db, "SELECT head FROM users WHERE id = ?", user) or 0

    def page(self, user: str, after: int) -> Page:
        """Give the events that follow number `after`, as many as fit a page."""
        rows = self._db.execute(
            "SELECT seq, body FROM events WHERE user = ? AND seq > ? ORDER BY seq", (user, after)
        )
        events: list[Event] = []
        upto, size = after, 0
        for seq, body in rows:
            size += len(body)
            if events and size > PAGE_BYTES:
                break
            events.append(codec.event.decode(body))
            upto = seq
        rows.close()
        return Page(events, upto)

    def chats(self, user: str) -> list[str]:
        """Give the ids of the user's chats."""
        rows = self._db.execute("SELECT id FROM chats WHERE user = ? AND NOT deleted", (user,))
        return [chat for (chat,) in rows]

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

    def scrub(self) -> None:
        """Empty the write-ahead log, which still holds what was just deleted."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def _one(db: sqlite3.Connection, query: str, *values: str) -> Any:
    row = db.execute(query, values).fetchone()
    return None if row is None else row[0]
