import re
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gpu_peer.errors import StorageDamaged, StorageFailed
from gpu_peer.storage.database import MIGRATIONS, open_database, storage_errors
from gpu_peer.storage.event_log import EventLog
from tests.gpu_peer.support.chats import say, texts


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "chats.sqlite3"


def test_what_is_acknowledged_survives_and_what_is_deleted_does_not(path: Path) -> None:
    with closing(open_database(path)) as db:
        asked = ["journal_mode", "synchronous", "secure_delete", "foreign_keys"]
        got = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in asked]
        assert got == ["wal", 2, 1, 1]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_nobody_else_may_read_it(path: Path) -> None:
    with closing(open_database(path)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_migrations_run_once(path: Path) -> None:
    for _ in range(2):
        with closing(open_database(path)) as db:
            numbers = [n for (n,) in db.execute("SELECT number FROM migrations")]
            assert numbers == list(range(1, len(list(MIGRATIONS.glob("*.sql"))) + 1))


def test_a_migration_that_fails_leaves_nothing(path: Path, tmp_path: Path) -> None:
    steps = tmp_path / "steps"
    steps.mkdir()
    (steps / "0001_first.sql").write_text(
        "CREATE TABLE a (x); -- why; and how\nCREATE TABLE a (y);"
    )
    with pytest.raises(StorageFailed):
        open_database(path, steps)
    (steps / "0001_first.sql").write_text("CREATE TABLE a (x);\nCREATE TABLE b (y);")
    with closing(open_database(path, steps)) as db:
        assert db.execute("SELECT count(*) FROM a").fetchone() == (0,)
    (steps / "0001_first.sql").write_text("CREATE TABLE a (x, z);")
    with pytest.raises(StorageDamaged, match="another build"):
        open_database(path, steps)
    (steps / "0001_first.sql").unlink()
    with pytest.raises(StorageDamaged, match="newer Hearth"):
        open_database(path, steps)


def test_a_damaged_file_is_named_and_left_as_it_is(path: Path) -> None:
    with closing(open_database(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = path.read_bytes()
    for damaged in (b"not a database" * 500, whole[:4096] + bytes(len(whole) - 4096), whole[:5000]):
        path.write_bytes(damaged)
        with pytest.raises(StorageDamaged, match=re.escape(str(path))):
            open_database(path)
        assert path.read_bytes() == damaged


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="cannot be read or written"):
        open_database(tmp_path / "file" / "chats.sqlite3")


def fill(log: EventLog, path: Path) -> None:
    for number in range(10_000):
        name = f"chat-{number}"
        with storage_errors(path):
            log.change("ann", name, lambda mine, name=name: mine.make_chat(name))


def test_a_full_disk_refuses_the_change_and_keeps_the_rest(path: Path) -> None:
    with closing(open_database(path)) as db:
        log = EventLog(db)
        log.change("ann", "first", lambda mine: mine.make_chat("c"))
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StorageFailed, match="full"):
            fill(log, path)
        made = db.execute("SELECT count(*) FROM chats").fetchone()[0]
        assert made == db.execute("SELECT count(*) FROM commands").fetchone()[0]
        db.execute("PRAGMA max_page_count = 100000")
        assert not log.change("ann", "more", lambda mine: mine.make_chat("more")).repeated


def test_a_file_that_became_read_only_is_a_sentence(path: Path) -> None:
    open_database(path).close()
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    with (
        closing(db),
        pytest.raises(StorageFailed, match="readonly"),
        storage_errors(path),
    ):
        EventLog(db).change("ann", None, lambda mine: mine.make_chat("c"))


def test_a_lock_of_another_process_refuses_the_change_whole(path: Path) -> None:
    with closing(open_database(path)) as db:
        say(db, "before")
        program = (
            "import sqlite3, sys\n"
            "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
            "db.execute('BEGIN IMMEDIATE')\n"
            "print(flush=True)\n"
            "sys.stdin.read()\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as other:
            assert other.stdout is not None
            other.stdout.readline()
            with pytest.raises(StorageFailed, match="locked"), storage_errors(path):
                say(db, "refused")
            other.communicate()
        say(db, "after")
    assert texts(path) == ["before", "after"]


def say_over_and_over(db: sqlite3.Connection) -> None:
    for _ in range(1000):
        say(db, "x" * 20_000)


def test_a_small_disk_that_is_full_refuses_the_change_whole(small_disk: Path) -> None:
    path = small_disk / "chats.sqlite3"
    with closing(open_database(path)) as db:
        with pytest.raises(StorageFailed, match="full"), storage_errors(path):
            say_over_and_over(db)
        said = texts(path)
        assert db.execute("PRAGMA quick_check").fetchone() == ("ok",)
        subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
        say(db, "now there is room")
    assert 10 < len(said) < 1000
    assert texts(path) == [*said, "now there is room"]
