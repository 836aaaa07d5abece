"""The copies of the chats that the home makes by itself."""

import shutil
import sqlite3
import stat
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_peer.errors import BackupFailed
from gpu_peer.storage import backups, database
from gpu_peer.storage.backups import (
    KEPT,
    Backup,
    Backups,
    backup_at,
    is_due,
    name_of,
    newest_first,
    superfluous,
)
from gpu_peer.storage.database import open_database
from tests.gpu_peer.support.chats import delete, rot, rot_one_page, say, texts, write

NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
DAY = timedelta(days=1)
MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))


def always() -> bool:
    return True


def made_at(*moments: datetime) -> list[Backup]:
    return [Backup(Path(name_of(moment)), moment) for moment in moments]


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    path = tmp_path / "chats.sqlite3"
    write(path, "first")
    return path


class TestChoice:
    @given(MOMENTS)
    def test_a_name_says_when(self, moment: datetime) -> None:
        read = backup_at(Path(name_of(moment)))
        assert read is not None
        assert read.made == moment.replace(microsecond=0)

    def test_other_files_are_no_backups(self) -> None:
        for name in ("chats.sqlite3", "chats-20260230-101010.sqlite3", ".half-01", "x"):
            assert backup_at(Path(name)) is None

    @given(st.lists(MOMENTS, unique=True, max_size=12))
    def test_the_newest_are_kept_and_no_other(self, moments: list[datetime]) -> None:
        now = datetime(2091, 1, 1, tzinfo=UTC)
        gone = {one.made for one in superfluous(made_at(*moments), now)}
        kept = set(moments) - gone
        assert len(kept) == min(KEPT, len(moments))
        assert all(old < new for old in gone for new in kept)

    def test_a_day_has_to_pass(self) -> None:
        assert is_due([], NOW)
        assert not is_due(made_at(NOW - DAY * 3, NOW - DAY + timedelta(seconds=1)), NOW)
        assert is_due(made_at(NOW - DAY * 3, NOW - DAY), NOW)

    def test_a_backup_of_the_future_counts_least(self) -> None:
        past, present, future = made_at(NOW - DAY * 3, NOW - DAY, NOW + DAY * 900)
        assert is_due([past, present, future], NOW)
        assert newest_first([past, present, future], NOW) == [present, past, future]


class TestMaking:
    def test_it_is_whole_and_one_file_that_nobody_else_may_read(self, chats: Path) -> None:
        with closing(open_database(chats)) as db:  # what is said now is in the log beside
            say(db, "second")
            made = Backups(chats).make_if_due(NOW, always)
        assert made is not None
        assert made.path == chats.parent / "backups" / "chats-20260314-150926.sqlite3"
        assert [file.name for file in made.path.parent.iterdir()] == [made.path.name]
        assert made.path.read_bytes()[18:20] == b"\1\1", "it needs no log beside it"
        assert texts(made.path) == ["first", "second"]
        if sys.platform != "win32":
            assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
            assert stat.S_IMODE(made.path.parent.stat().st_mode) == 0o700

    def test_it_is_made_once_a_day_when_something_changed(self, chats: Path) -> None:
        kept = Backups(chats)
        assert kept.make_if_due(NOW, always)
        write(chats, "second")
        assert not kept.make_if_due(NOW + DAY / 2, always)
        assert kept.make_if_due(NOW + DAY, always)
        assert not kept.make_if_due(NOW + DAY * 30, always)
        assert len(kept.all()) == 2

    def test_seven_are_kept(self, chats: Path) -> None:
        kept = Backups(chats)
        for day in range(10):
            write(chats, f"on day {day}")
            assert kept.make_if_due(NOW + DAY * day, always)
        assert {one.made for one in kept.all()} == {NOW + DAY * day for day in range(3, 10)}

    def test_nothing_is_not_worth_one(self, tmp_path: Path) -> None:
        open_database(tmp_path / "new.sqlite3").close()
        assert not Backups(tmp_path / "new.sqlite3").make_if_due(NOW, always)

    def test_nobody_who_writes_waits_and_it_is_of_one_moment(
        self, chats: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database, "_STEP_PAGES", 2)
        write(chats, *("x" * 5000 for _ in range(20)))
        before = texts(chats)
        with closing(open_database(chats)) as db:
            db.execute("PRAGMA busy_timeout = 0")
            steps = 0

            def write_between() -> bool:
                nonlocal steps
                steps += 1
                say(db, f"while it is copied {steps}")
                return True

            made = Backups(chats).make_if_due(NOW, write_between)
        assert made is not None
        assert texts(made.path) == before
        assert 10 < steps < 200, "with each write it would have begun again"
        assert len(texts(chats)) == len(before) + steps

    def test_a_home_that_ends_leaves_no_half(
        self, chats: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database, "_STEP_PAGES", 2)
        answers = iter([True, True, True])
        assert not Backups(chats).make_if_due(NOW, lambda: next(answers, False))
        assert not list((chats.parent / "backups").iterdir())

    def test_a_half_of_a_process_that_was_killed_is_removed(self, chats: Path) -> None:
        folder = chats.parent / "backups"
        folder.mkdir()
        for name in (".half-0a", ".half-0a-wal"):
            (folder / name).write_bytes(b"x")
        made = Backups(chats).make_if_due(NOW, always)
        assert made is not None
        assert list(folder.iterdir()) == [made.path]
        (folder / ".half-0b").write_bytes(b"x")
        assert not Backups(chats).make_if_due(NOW, always)
        assert list(folder.iterdir()) == [made.path]


class TestFailing:
    def test_damaged_chats_push_out_no_backup(self, chats: Path) -> None:
        kept = Backups(chats)
        assert kept.make_if_due(NOW, always)
        write(chats, *("x" * 5000 for _ in range(20)))
        content = bytearray(chats.read_bytes())
        content[-40_000:] = b"\xa5" * 40_000
        chats.write_bytes(content)
        with pytest.raises(BackupFailed, match="damaged"):
            kept.make_if_due(NOW + DAY, always)
        assert len(list(kept.folder.iterdir())) == 1
        assert chats.read_bytes() == content

    def test_the_disk_is_not_filled_to_its_end(
        self, chats: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(backups, "RESERVE_BYTES", shutil.disk_usage(chats).total)
        with pytest.raises(BackupFailed, match=r"no room .* Make room there\.$"):
            Backups(chats).make_if_due(NOW, always)

    def test_a_folder_that_cannot_be_made_is_a_sentence(self, chats: Path) -> None:
        (chats.parent / "backups").write_text("")
        with pytest.raises(BackupFailed, match=r"could be made in .*backups: File exists"):
            Backups(chats).make_if_due(NOW, always)

    def test_a_disk_that_is_full_in_the_middle_of_it_keeps_the_chats(
        self, small_disk: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(backups, "RESERVE_BYTES", 0)
        chats = small_disk / "chats.sqlite3"
        write(chats, *("x" * 5000 for _ in range(80)))
        free = shutil.disk_usage(small_disk).free
        (small_disk / "something else").write_bytes(bytes(free - 200_000))
        monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Before", (), {"free": free}))
        with closing(open_database(chats)) as db:
            with pytest.raises(BackupFailed, match=r"could be made in .*full"):
                Backups(chats).make_if_due(NOW, always)
            assert not list((small_disk / "backups").iterdir())
            say(db, "still there")
        assert texts(chats)[-1] == "still there"


class TestLastGood:
    def test_a_damaged_one_is_passed_over(self, chats: Path) -> None:
        kept = Backups(chats)
        assert kept.last_good(NOW) is None
        kept.make_if_due(NOW, always)
        write(chats, "x" * 100_000, chat="other")
        second = kept.make_if_due(NOW + DAY, always)
        assert second is not None
        good = kept.last_good(NOW + DAY)
        assert good is not None
        assert (good.made, good.chats) == (NOW + DAY, 2)
        rot_one_page(second.path)
        good = kept.last_good(NOW + DAY)
        assert good is not None
        assert good.as_text() == "2026-03-14 15:09 UTC, 1 chat"


class TestForgetting:
    def test_deleted_chats_leave_the_backups_too(self, chats: Path) -> None:
        kept = Backups(chats)
        write(chats, "a great secret", "x" * 500_000, chat="secret")
        for day in range(3):
            write(chats, f"on day {day}")
            assert kept.make_if_due(NOW + DAY * day, always)
            assert chats.stat().st_size > 500_000
        with closing(open_database(chats)) as db:
            delete(db, "secret")
        assert kept.forget_deleted(NOW + DAY * 3, always) == 3
        for one in kept.all():
            assert b"a great secret" not in one.path.read_bytes()
            assert "first" in texts(one.path)
            assert one.path.stat().st_size < 400_000
        assert len(list(kept.folder.iterdir())) == 3
        assert kept.forget_deleted(NOW + DAY * 3, always) == 0

    def test_a_damaged_backup_is_left_and_the_others_are_seen_to(self, chats: Path) -> None:
        kept = Backups(chats)
        write(chats, "a great secret", chat="secret")
        first = kept.make_if_due(NOW, always)
        write(chats, "more")
        second = kept.make_if_due(NOW + DAY, always)
        assert first is not None
        assert second is not None
        damaged = rot(first.path)
        with closing(open_database(chats)) as db:
            delete(db, "secret")
        assert kept.forget_deleted(NOW + DAY, always) == 1
        assert first.path.read_bytes() == damaged
        assert b"a great secret" not in second.path.read_bytes()

    def test_a_chat_is_not_forgotten_because_one_bit_says_so(self, chats: Path) -> None:
        kept = Backups(chats)
        made = kept.make_if_due(NOW, always)
        assert made is not None
        with closing(sqlite3.connect(chats)) as db:
            db.execute("UPDATE chats SET deleted = 1")
            db.commit()
        assert kept.forget_deleted(NOW, always) == 0
        assert texts(made.path) == ["first"]
