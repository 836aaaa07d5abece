"""Chats that were deleted, so that no copy of the chats keeps them or brings them back."""

import sqlite3

from gpu_peer.storage.event_log import EventLog
from gpu_peer.storage.user_log import UserLog
from protocol.chat import ChatDeleted

Chats = set[tuple[str, str]]
"""Users with the ids of chats of theirs."""


def living_chats(db: sqlite3.Connection) -> Chats:
    """Give the chats of all users."""
    return set(db.execute("SELECT user, id FROM chats WHERE NOT deleted"))


def deleted_chats(db: sqlite3.Connection) -> Chats:
    """Give the chats that somebody deleted. Both the chat and its log have to say so."""
    return set(
        db.execute(
            "SELECT chats.user, chats.id FROM chats JOIN events"
            " ON events.user = chats.user AND events.chat = chats.id"
            " WHERE chats.deleted AND events.type = 'chat_deleted'"
        )
    )


def erase_chats(db: sqlite3.Connection, chats: Chats, at_ms: int) -> None:
    """Delete those of the chats that the database has. It is of the newest schema."""
    log = EventLog(db)
    if not (there := chats & living_chats(db)):
        return
    for user, chat in sorted(there):
        gone = ChatDeleted(seq=0, at_ms=at_ms, chat=chat)

        def erase(mine: UserLog, gone: ChatDeleted = gone) -> None:
            mine.erase_chat(gone)

        log.change(user, None, erase)
    log.scrub()
