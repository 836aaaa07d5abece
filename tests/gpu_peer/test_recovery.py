"""Damaged chats are told, never replaced by themselves, and put back by command."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gpu_peer.__main__ import main
from gpu_peer.app import serve
from gpu_peer.backup import backup, restore
from gpu_peer.config import Config
from gpu_peer.engine import Engine
from gpu_peer.errors import BackupFailed, StorageDamaged
from gpu_peer.identity import load_identity
from gpu_peer.recovery import LOGS, restore_empty, restore_latest, telling_what_to_do
from gpu_peer.storage.backups import Backups
from gpu_peer.storage.database import open_database
from gpu_peer.storage.event_log import EventLog
from gpu_peer.storage.people import People
from gpu_peer.transports.certificate import load_certificate
from protocol.transcript import key_id
from tests.gpu_peer.support.chats import delete, rot, rot_one_page, say, texts, write
from tests.gpu_peer.support.trust import ed25519, public

NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
PHONE = public(ed25519("phone"))
ASIDE = "chats.sqlite3.damaged-20260314-150926"


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    """Chats of one person with a phone, as they are in their only backup."""
    path = tmp_path / "gpu_peer" / "chats.sqlite3"
    write(path, "first")
    with closing(open_database(path)) as db:
        person = People(db).add_person("Anna", 1)
        People(db).register(PHONE, "phone", person.id, 2)
    Backups(path).make_if_due(NOW - timedelta(hours=5), lambda: True)
    return path


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def log_of(chats: Path) -> str:
    with closing(open_database(chats)) as db:
        return EventLog(db).standing("ann").log


def common_of(chats: Path, *logs: str) -> list[int]:
    with closing(open_database(chats)) as db:
        return [EventLog(db).common("ann", log) for log in logs]


def damage_a_page_of_what_was_said(chats: Path) -> None:
    """As a bad sector does: the other pages can be read."""
    with closing(open_database(chats)) as db:
        say(db, "x" * 100_000, chat="long")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    rot_one_page(chats)


class TestTelling:
    def test_damaged_chats_keep_the_home_from_starting(self, chats: Path) -> None:
        damaged = rot(chats)

        def load() -> Engine:
            raise AssertionError("it must not come so far")

        with pytest.raises(StorageDamaged) as told:
            asyncio.run(serve(Config(data=chats.parent.parent), load, asyncio.Event()))
        assert str(told.value) == (
            f"The chats in {chats} are damaged. The last good backup is of 2026-03-14 10:09 UTC, "
            "1 chat. To put it in their place and set them aside: "
            "python -m gpu_peer restore --latest"
        )
        assert chats.read_bytes() == damaged

    def test_without_a_good_backup_it_says_so(self, chats: Path) -> None:
        rot(chats)
        for one in Backups(chats).all():
            rot(one.path)
        with (
            pytest.raises(StorageDamaged, match=r"no good backup .* restore --empty$"),
            telling_what_to_do(chats),
        ):
            open_database(chats)

    def test_chats_that_are_gone_are_not_begun_anew(self, chats: Path) -> None:
        chats.unlink()
        with (
            pytest.raises(StorageDamaged, match=r"are gone\. .* restore --latest$"),
            telling_what_to_do(chats),
        ):
            open_database(chats)
        assert not chats.exists()

    def test_chats_of_a_newer_hearth_are_not_to_be_replaced(self, chats: Path) -> None:
        with closing(open_database(chats)) as db:
            db.execute("INSERT INTO migrations VALUES (9999, 'x')")
        with (
            pytest.raises(StorageDamaged, match=r"newer Hearth\. Update this one\.$"),
            telling_what_to_do(chats),
        ):
            open_database(chats)
        with pytest.raises(BackupFailed, match="not damaged"):
            restore_latest(chats, NOW, replace=False)


class TestLatest:
    def test_the_backup_takes_the_place_and_the_damaged_file_is_kept(self, chats: Path) -> None:
        with closing(open_database(chats)) as db:
            # As a crash leaves it: the newest is in the log beside the file.
            db.execute("PRAGMA wal_autocheckpoint = 0")
            say(db, "in the log only")
            crashed = bytes_of(chats.parent)
        for name, content in crashed.items():
            (chats.parent / name).write_bytes(content)
        rot(chats)
        damaged = bytes_of(chats.parent)
        with pytest.raises(StorageDamaged):
            open_database(chats)
        good, aside = restore_latest(chats, NOW, replace=False)
        assert (good.chats, aside) == (1, chats.with_name(ASIDE))
        assert texts(chats) == ["first"]
        kept = bytes_of(chats.parent)
        assert set(kept) == {chats.name, *(ASIDE + end for end in ("", *LOGS))}
        for end in ("", "-wal"):
            assert kept[ASIDE + end] == damaged[chats.name + end]

    def test_a_log_that_has_lost_its_file_is_not_written_into_the_backup(self, chats: Path) -> None:
        chats.rename(chats.with_name(f"{chats.name}-wal"))
        _, aside = restore_latest(chats, NOW, replace=False)
        assert aside == chats.with_name(ASIDE)
        assert set(bytes_of(chats.parent)) == {chats.name, f"{ASIDE}-wal"}
        assert texts(chats) == ["first"]

    def test_a_second_time_in_a_second_loses_nothing_either(self, chats: Path) -> None:
        first = rot(chats)
        restore_latest(chats, NOW, replace=False)
        write(chats, "second")
        second = rot(chats)
        _, aside = restore_latest(chats, NOW, replace=False)
        assert aside == chats.with_name(f"{ASIDE}-2")
        assert aside.read_bytes() == second
        assert chats.with_name(ASIDE).read_bytes() == first

    def test_devices_are_told_by_a_new_id_of_the_log(self, chats: Path) -> None:
        known = log_of(chats)
        assert log_of(chats) == known
        Backups(chats).make_if_due(NOW + timedelta(days=2), lambda: True)
        rot(chats)
        restore_latest(chats, NOW + timedelta(days=2), replace=False)
        assert log_of(chats) != known

    def test_devices_are_told_how_much_of_theirs_the_backup_has(self, chats: Path) -> None:
        write(chats, "gone", chat="secret")
        known = log_of(chats)
        Backups(chats).make_if_due(NOW + timedelta(days=2), lambda: True)
        write(chats, "later")
        with closing(open_database(chats)) as db:
            delete(db, "secret")
        restore_latest(chats, NOW + timedelta(days=2), replace=True)
        # The deletion that was carried over came after the two parted.
        assert common_of(chats, known, "another") == [4, 0]
        first = log_of(chats)
        write(chats, "in the first")
        restore_latest(chats, NOW + timedelta(days=3), replace=True)
        assert common_of(chats, known, first, log_of(chats)) == [4, 4, 0]

    def test_what_was_deleted_from_a_backup_later_is_not_taken_for_a_part_of_the_log(
        self, chats: Path
    ) -> None:
        write(chats, "gone", chat="secret")
        write(chats, "gone as well", chat="another")
        known = log_of(chats)
        Backups(chats).make_if_due(NOW + timedelta(days=2), lambda: True)
        write(chats, "later", chat="new")
        for chat in ("secret", "another"):
            with closing(open_database(chats)) as db:
                delete(db, chat)
            assert Backups(chats).forget_deleted(NOW + timedelta(days=2), lambda: True) >= 1
        restore_latest(chats, NOW + timedelta(days=2), replace=True)
        assert common_of(chats, known) == [6]

    def test_a_list_of_logs_that_cannot_be_read_keeps_nobody_from_a_backup(
        self, chats: Path
    ) -> None:
        known = log_of(chats)
        write(chats, "second")
        Backups(chats).make_if_due(NOW + timedelta(days=2), lambda: True)
        restore_latest(chats, NOW + timedelta(days=2), replace=True)
        first = log_of(chats)
        rot(chats)
        restore_latest(chats, NOW + timedelta(days=2), replace=False)
        assert common_of(chats, known, first) == [3, 0]

    def test_what_can_still_be_read_of_removed_devices_and_deleted_chats_holds(
        self, chats: Path
    ) -> None:
        write(chats, "a great secret", chat="secret")
        Backups(chats).make_if_due(NOW + timedelta(days=2), lambda: True)
        with closing(open_database(chats)) as db:
            People(db).revoke(key_id(PHONE), 5)
            delete(db, "secret")
        damage_a_page_of_what_was_said(chats)
        with pytest.raises(StorageDamaged):
            open_database(chats)
        restore_latest(chats, NOW + timedelta(days=2), replace=False)
        with closing(open_database(chats)) as db:
            assert [device.revoked for device in People(db).devices()] == [True]
        assert texts(chats) == ["first"]
        assert b"a great secret" not in chats.read_bytes()

    def test_sound_chats_are_not_replaced_by_mistake(self, chats: Path) -> None:
        write(chats, "since then")
        with pytest.raises(BackupFailed, match=r"not damaged\. .* add --replace\.$"):
            restore_latest(chats, NOW, replace=False)
        assert texts(chats) == ["first", "since then"]
        _, aside = restore_latest(chats, NOW, replace=True)
        assert aside is not None
        assert (texts(aside), texts(chats)) == (["first", "since then"], ["first"])

    def test_without_a_good_backup_nothing_happens(self, chats: Path) -> None:
        rot(chats)
        for one in Backups(chats).all():
            rot(one.path)
        before = bytes_of(chats.parent)
        with pytest.raises(BackupFailed, match="restore --empty"):
            restore_latest(chats, NOW, replace=False)
        assert before.items() <= bytes_of(chats.parent).items()

    def test_lost_chats_come_back(self, chats: Path) -> None:
        chats.unlink()
        assert restore_latest(chats, NOW, replace=False)[1] is None
        assert texts(chats) == ["first"]


class TestEmpty:
    def test_the_home_begins_anew_and_nothing_is_deleted(self, chats: Path) -> None:
        damaged = rot(chats)
        aside = restore_empty(chats, NOW, replace=False)
        assert aside is not None
        assert aside.read_bytes() == damaged
        with telling_what_to_do(chats), closing(open_database(chats)) as db:
            assert not People(db).people()
        assert texts(chats) == []
        assert len(Backups(chats).all()) == 1

    def test_sound_chats_are_not_set_aside_by_mistake(self, chats: Path) -> None:
        with pytest.raises(BackupFailed, match="not damaged"):
            restore_empty(chats, NOW, replace=False)
        assert texts(chats) == ["first"]


class TestCommands:
    @pytest.fixture(autouse=True)
    def _here(self, chats: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(chats.parent)
        monkeypatch.setenv("HEARTH_DATA", str(chats.parent.parent))
        monkeypatch.setenv("HEARTH_DEVICE", "cpu")

    def test_they_say_what_they_did(self, chats: Path, capsys: pytest.CaptureFixture[str]) -> None:
        rot(chats)
        assert main(["restore", "--latest"]) == 0
        said = capsys.readouterr().out
        assert "2026-03-14 10:09 UTC, 1 chat" in said
        assert "bring back what they have" in said
        assert f"{chats}.damaged-" in said
        assert main(["restore", "--empty"]) == 1
        assert "not damaged" in capsys.readouterr().err
        assert main(["restore", "--empty", "--replace"]) == 0
        said = capsys.readouterr().out
        assert "begins anew" in said
        assert "save them there first" in said
        assert texts(chats) == []

    @pytest.mark.parametrize("words", [[], ["kept.zip", "--latest"], ["--latest", "--empty"]])
    def test_it_has_to_be_said_what_is_put_back(self, words: list[str]) -> None:
        with pytest.raises(SystemExit):
            main(["restore", *words])

    def test_the_doctor_tells_when_the_last_good_backup_was_made(
        self, chats: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        main(["doctor"])
        assert "Last backup   2026-03-14 10:09 UTC, 1 chat\n" in capsys.readouterr().out
        for one in Backups(chats).all():
            rot(one.path)
        main(["doctor"])
        assert "Last backup   none\n" in capsys.readouterr().out


def test_a_home_that_is_put_back_from_a_file_has_a_new_log_too(chats: Path, tmp_path: Path) -> None:
    load_identity(chats.parent)
    load_certificate(chats.parent)
    known = log_of(chats)
    write(chats, "a great secret", chat="secret")
    backup(chats.parent, tmp_path / "kept.zip")
    with closing(open_database(chats)) as db:
        delete(db, "secret")
    _, before = restore(chats.parent, tmp_path / "kept.zip", replace=True)
    assert log_of(chats) != known
    assert texts(chats) == ["first"]
    with closing(sqlite3.connect(chats)) as db:
        assert db.execute("PRAGMA quick_check").fetchone() == ("ok",)
    # Another home's copies are not to be taken for its own.
    assert before is not None
    assert (Backups(chats).all(), len(Backups(before / chats.name).all())) == ([], 1)
