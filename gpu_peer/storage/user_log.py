"""One user's log while it is being changed."""

import sqlite3
from typing import Any

import msgspec

from protocol import codec
from protocol.chat import (
    AnswerBegun,
    AnswerEnded,
    ChatCreated,
    ChatDeleted,
    ChatMoved,
    ChatRenamed,
    Event,
    MessageWritten,
    SettingChanged,
)


class UserLog:
    """One user's log inside one transaction. Sees only what is this user's."""

    def __init__(self, db: sqlite3.Connection, user: str) -> None:
        self._db = db
        self._user = user
        db.execute("INSERT OR IGNORE INTO users (id, head) VALUES (?, 0)", (user,))
        self.head: int = one(db, "SELECT head FROM users WHERE id = ?", user)

    def append(self, event: Event) -> int:
        """Give the event the next number and add it. Returns the number."""
        self.head += 1
        self._db.execute(
            "INSERT INTO events (user, seq, chat, type, message, answer, parent, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._user,
                self.head,
                getattr(event, "chat", None),
                str(type(event).__struct_config__.tag),
                event.message if isinstance(event, MessageWritten | AnswerBegun) else None,
                getattr(event, "answer", None),
                event.parent if isinstance(event, MessageWritten) else None,
                codec.encode(msgspec.structs.replace(event, seq=self.head)),
            ),
        )
        self._db.execute("UPDATE users SET head = ? WHERE id = ?", (self.head, self._user))
        self._note(event)
        return self.head

    def chat_was_made(self, chat: str) -> bool:
        """Whether this user ever made the chat, deleted or not."""
        return self._has("SELECT 1 FROM chats WHERE user = ? AND id = ?", chat)

    def has_chat(self, chat: str) -> bool:
        """Whether the user has the chat now."""
        return self._has("SELECT 1 FROM chats WHERE user = ? AND id = ? AND NOT deleted", chat)

    def has_message(self, message: str) -> bool:
        """Whether the user wrote this message in any chat."""
        return self.chat_of_message(message) is not None

    def chat_of_message(self, message: str) -> str | None:
        """Give the chat that has the message."""
        return self._text(
            "SELECT chat FROM events WHERE user = ? AND message = ? AND type = 'message_written'",
            message,
        )

    def parent_of(self, message: str) -> str | None:
        """Give what a message follows: another message, or the chat."""
        return self._text(
            "SELECT parent FROM events WHERE user = ? AND message = ? AND type = 'message_written'",
            message,
        )

    def is_followed(self, message: str) -> bool:
        """Whether another message follows this one."""
        return self._has(
            "SELECT 1 FROM events WHERE user = ? AND parent = ? AND type = 'message_written'",
            message,
        )

    def last_message(self, chat: str) -> str | None:
        """Give the id of the newest message of the chat."""
        return self._text(
            "SELECT message FROM events WHERE user = ? AND chat = ?"
            " AND type = 'message_written' ORDER BY seq DESC LIMIT 1",
            chat,
        )

    def has_answer(self, answer: str) -> bool:
        """Whether the answer was ever begun."""
        return self.message_of(answer) is not None

    def message_of(self, answer: str) -> str | None:
        """Give the message that the answer is to."""
        return self._text(
            "SELECT message FROM events WHERE user = ? AND answer = ? AND type = 'answer_begun'",
            answer,
        )

    def last_answer(self, message: str) -> str | None:
        """Give the id of the newest answer to a message."""
        return self._text(
            "SELECT answer FROM events WHERE user = ? AND message = ? AND type = 'answer_begun'"
            " ORDER BY seq DESC LIMIT 1",
            message,
        )

    def running_answer(self, chat: str) -> str | None:
        """Give the id of the chat's answer that has not ended."""
        return self._text("SELECT answer FROM drafts WHERE user = ? AND chat = ?", chat)

    def newest(self, chat: str) -> int:
        """Give the number of the chat's newest event; 0 where there is none."""
        query = "SELECT max(seq) FROM events WHERE user = ? AND chat = ?"
        return one(self._db, query, self._user, chat) or 0

    def make_chat(self, chat: str) -> None:
        """Make room for a chat that was never made."""
        self._db.execute("INSERT INTO chats (user, id) VALUES (?, ?)", (self._user, chat))

    def erase_chat(self, deleted: ChatDeleted) -> None:
        """Remove all of the chat but its id, and append that it is gone."""
        of_chat = (self._user, deleted.chat)
        self._db.execute("DELETE FROM waiting WHERE user = ? AND chat = ?", of_chat)
        self._db.execute("DELETE FROM drafts WHERE user = ? AND chat = ?", of_chat)
        self._db.execute("DELETE FROM events WHERE user = ? AND chat = ?", of_chat)
        self._db.execute(
            "UPDATE chats SET deleted = 1, title = '', folder = NULL, changed_ms = 0"
            " WHERE user = ? AND id = ?",
            of_chat,
        )
        self._db.execute("PRAGMA user_version = 1")  # `EventLog.scrub` has something to do.
        self.append(deleted)

    def erase_settings(self) -> None:
        """Remove what the user chose, and that they ever chose it."""
        self._db.execute("DELETE FROM settings WHERE user = ?", (self._user,))
        self._db.execute("DELETE FROM events WHERE user = ? AND chat IS NULL", (self._user,))
        self._db.execute("PRAGMA user_version = 1")

    def open_draft(self, chat: str, answer: str, text: str = "") -> None:
        """Remember that the answer runs, and what it begins with."""
        self._db.execute(
            "INSERT INTO drafts (user, chat, answer, text) VALUES (?, ?, ?, ?)",
            (self._user, chat, answer, text),
        )

    def close_draft(self, answer: str) -> bool:
        """Forget that the answer runs; false when it did not, as after its chat was deleted."""
        gone = self._db.execute(
            "DELETE FROM drafts WHERE user = ? AND answer = ?", (self._user, answer)
        )
        return gone.rowcount > 0

    def let_wait(self, chat: str, message: str) -> None:
        """Remember that the message, the newest event of the log, is to be answered later."""
        self._db.execute(
            "INSERT INTO waiting (user, seq, chat, message) VALUES (?, ?, ?, ?)",
            (self._user, self.head, chat, message),
        )

    def waiting(self, chat: str) -> list[str]:
        """Give the chat's messages that wait for an answer, in the order of their turns."""
        rows = self._db.execute(
            "SELECT message FROM waiting WHERE user = ? AND chat = ? ORDER BY seq",
            (self._user, chat),
        )
        return [message for (message,) in rows]

    def end_wait(self, message: str) -> None:
        """Forget that the message waits."""
        self._db.execute(
            "DELETE FROM waiting WHERE user = ? AND message = ?", (self._user, message)
        )

    def _note(self, event: Event) -> None:
        """Keep what a list of chats and the settings show beside the events."""
        match event:
            case ChatCreated():
                self._set_chat(event.chat, "title = ?, folder = ?", event.title, event.folder)
                self._touch(event.chat, event.at_ms)
            case ChatRenamed():
                self._set_chat(event.chat, "title = ?", event.title)
            case ChatMoved():
                self._set_chat(event.chat, "folder = ?", event.folder)
            case MessageWritten() | AnswerBegun() | AnswerEnded():
                self._touch(event.chat, event.at_ms)
            case SettingChanged(value=None):
                self._db.execute(
                    "DELETE FROM settings WHERE user = ? AND name = ?", (self._user, event.name)
                )
            case SettingChanged():
                self._db.execute(
                    "INSERT OR REPLACE INTO settings (user, name, value) VALUES (?, ?, ?)",
                    (self._user, event.name, event.value),
                )
            case ChatDeleted():
                pass

    def _touch(self, chat: str, at_ms: int) -> None:
        self._set_chat(chat, "changed_ms = max(changed_ms, ?)", at_ms)

    def _set_chat(self, chat: str, change: str, *values: str | int | None) -> None:
        self._db.execute(
            f"UPDATE chats SET {change} WHERE user = ? AND id = ?",  # noqa: S608 - names of columns
            (*values, self._user, chat),
        )

    def _has(self, query: str, value: str) -> bool:
        return self._db.execute(query, (self._user, value)).fetchone() is not None

    def _text(self, query: str, value: str) -> str | None:
        found: str | None = one(self._db, query, self._user, value)
        return found


def one(db: sqlite3.Connection, query: str, *values: str) -> Any:
    """Give the first column of the first row; None where there is no row."""
    row = db.execute(query, values).fetchone()
    return None if row is None else row[0]
