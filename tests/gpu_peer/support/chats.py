"""A chats file with something in it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from gpu_peer.storage.database import open_database
from gpu_peer.storage.event_log import EventLog
from gpu_peer.storage.user_log import UserLog
from protocol.chat import ChatCreated, ChatDeleted, MessageWritten


def say(db: sqlite3.Connection, text: str, chat: str = "c", user: str = "ann") -> None:
    """Write a message; the chat is made with its first."""

    def change(mine: UserLog) -> None:
        if not mine.has_chat(chat):
            mine.make_chat(chat)
            mine.append(ChatCreated(seq=0, at_ms=1, chat=chat, title=chat))
        parent = mine.last_message(chat) or chat
        message = f"{chat}-{mine.head}"
        mine.append(
            MessageWritten(seq=0, at_ms=2, chat=chat, message=message, text=text, parent=parent)
        )

    EventLog(db).change(user, None, change)


def delete(db: sqlite3.Connection, chat: str, user: str = "ann") -> None:
    """Delete a chat as the home does."""
    gone = ChatDeleted(seq=0, at_ms=3, chat=chat)
    EventLog(db).change(user, None, lambda mine: mine.erase_chat(gone))
    EventLog(db).scrub()


def write(path: Path, *texts: str, chat: str = "c") -> None:
    """Say this, and close the file."""
    with closing(open_database(path)) as db:
        for text in texts:
            say(db, text, chat)


def texts(path: Path) -> list[str]:
    """Give what was said, in order."""
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute(
            "SELECT json_extract(CAST(body AS TEXT), '$.text') FROM events"
            " WHERE type = 'message_written' ORDER BY user, seq"
        )
        return [text for (text,) in rows]


def rot(path: Path) -> bytes:
    """Damage the file, its header and all but its first pages. Gives what is in it now."""
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))
    return path.read_bytes()


def rot_one_page(path: Path) -> None:
    """Damage one page of a long text of `x`, as a bad sector does."""
    content = path.read_bytes()
    place = content.index(b"x" * 4092) // 4096 * 4096
    path.write_bytes(content[:place] + b"\xff" * 4096 + content[place + 4096 :])
