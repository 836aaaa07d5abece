"""Deleted is gone from the files: neither its text nor the room that it took stays."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gpu_peer.storage.database import MIGRATIONS, open_database
from gpu_peer.storage.event_log import EventLog
from gpu_peer.storage.user_log import UserLog
from gpu_peer.uuid7 import uuid7
from protocol.chat import ChatCreated, ChatDeleted, ChatMoved, MessageWritten, SettingChanged

SECRET = "the treasure is under the pear tree"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "chats.sqlite3"


def everything(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


def fill(log: EventLog, chat: str, messages: int) -> None:
    def change(mine: UserLog) -> None:
        mine.make_chat(chat)
        mine.append(ChatCreated(seq=0, at_ms=1, chat=chat, title=SECRET))
        mine.append(ChatMoved(seq=0, at_ms=1, chat=chat, folder=f"{SECRET} folder"))
        for _ in range(messages):
            mine.append(
                MessageWritten(seq=0, at_ms=1, chat=chat, message=uuid7(), text=SECRET * 100)
            )
        mine.let_wait(chat, uuid7())

    log.change("ann", None, change)


def delete(log: EventLog, chat: str) -> None:
    gone = ChatDeleted(seq=0, at_ms=2, chat=chat)
    log.change("ann", None, lambda mine: mine.erase_chat(gone))
    log.scrub()


def earlier(path: Path, folder: Path) -> None:
    """Make a file as earlier versions did: one that keeps its free pages."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA auto_vacuum = NONE")
        db.execute("CREATE TABLE settled (x)")
        db.execute("DROP TABLE settled")
    folder.mkdir()
    for file in sorted(MIGRATIONS.glob("*.sql"))[:3]:
        shutil.copy(file, folder)
    open_database(path, folder).close()


@pytest.mark.parametrize("old", [False, True])
def test_a_deleted_chat_leaves_neither_text_nor_free_pages(
    path: Path, tmp_path: Path, old: bool
) -> None:
    if old:
        earlier(path, tmp_path / "steps")
    with closing(open_database(path)) as db:
        log = EventLog(db)
        fill(log, kept := uuid7(), 5)
        log.scrub()
        for _ in range(2):
            fill(log, chat := uuid7(), 100)
            before = path.stat().st_size + Path(f"{path}-wal").stat().st_size
            delete(log, chat)
            assert db.execute("PRAGMA freelist_count").fetchone() == (0,)
            assert path.stat().st_size < before / 3
            assert Path(f"{path}-wal").stat().st_size == 0
        delete(log, kept)
        assert SECRET.encode() not in everything(path)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert log.chats("ann") == []
        assert log.waiting_chats() == []


def test_the_text_goes_also_where_the_file_cannot_be_written_anew(
    path: Path, tmp_path: Path
) -> None:
    earlier(path, tmp_path / "steps")
    with closing(open_database(path)) as db:
        log = EventLog(db)
        fill(log, chat := uuid7(), 100)

        def no_second_file(action: int, *_: object) -> int:
            return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_ATTACH else sqlite3.SQLITE_OK

        db.set_authorizer(no_second_file)
        with pytest.raises(sqlite3.DatabaseError, match="authorization denied"):
            delete(log, chat)
        assert SECRET.encode() not in everything(path)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_what_was_chosen_can_be_erased(path: Path) -> None:
    with closing(open_database(path)) as db:
        log = EventLog(db)
        fill(log, uuid7(), 1)
        chosen = SettingChanged(seq=0, at_ms=1, name="language", value="qqq-xyzzy")

        def choose(mine: UserLog) -> None:
            mine.append(chosen)

        for user in ("ann", "bob"):
            log.change(user, None, choose)
        assert log.standing("ann").settings != []
        log.change("ann", None, UserLog.erase_settings)
        assert log.standing("ann").settings == []
        assert log.standing("bob").settings != []
        assert len(log.page("ann", 0).bodies) == 3
        assert log.page("ann", 3).last == 4
        log.change("bob", None, UserLog.erase_settings)
        log.scrub()
        assert b"xyzzy" not in everything(path)
