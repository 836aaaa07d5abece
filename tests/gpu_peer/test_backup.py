import itertools
import re
import sqlite3
import stat
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gpu_peer.__main__ import main
from gpu_peer.app import only_one
from gpu_peer.backup import CHATS, KEYS, backup, restore
from gpu_peer.config import Config
from gpu_peer.errors import BackupFailed, StorageDamaged
from gpu_peer.identity import load_identity
from gpu_peer.replacing import tidy
from gpu_peer.storage.backups import Backups
from gpu_peer.storage.database import open_database
from gpu_peer.storage.event_log import EventLog
from gpu_peer.storage.people import People
from gpu_peer.transports.certificate import load_certificate
from protocol.transcript import key_id
from tests.gpu_peer.support.trust import ed25519, p256, public

PHONE, LAPTOP = public(ed25519("phone")), public(p256("laptop"))
NOW = datetime(2026, 3, 14, tzinfo=UTC)
MANIFEST = "hearth-backup.json"


def make_home(folder: Path) -> Path:
    """A home of one person with two devices, one of them removed, and one chat."""
    load_identity(folder)
    load_certificate(folder)
    with closing(open_database(folder / CHATS)) as db:
        people = People(db)
        anna = people.add_person("Anna", 1)
        people.register(PHONE, "phone", anna.id, 2)
        people.register(LAPTOP, "laptop", anna.id, 3)
        people.revoke(key_id(LAPTOP), 4)
        EventLog(db).change(anna.id, None, lambda mine: mine.make_chat("chat"))
    return folder


def state(folder: Path) -> tuple[object, ...]:
    """All that makes a home itself."""
    prints = [one.value for one in load_certificate(folder).getFingerprints()]
    with closing(open_database(folder / CHATS)) as db:
        people, chats = People(db), db.execute("SELECT * FROM chats").fetchall()
        return load_identity(folder).key, prints, people.people(), people.devices(), chats


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_home(tmp_path / "home")


@pytest.fixture
def archive(home: Path, tmp_path: Path) -> Path:
    backup(home, tmp_path / "kept.zip")
    return tmp_path / "kept.zip"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    folder = tmp_path / "other"
    folder.mkdir()
    return folder


def test_a_home_on_another_disk_is_the_same_home(home: Path, archive: Path, other: Path) -> None:
    contents, before = restore(other, archive, replace=False)
    assert state(other) == state(home)
    assert (contents.home, contents.people, contents.devices) == (load_identity(home).home_id, 1, 2)
    assert before is None


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_nobody_else_may_read_any_of_it(archive: Path, other: Path) -> None:
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    restore(other, archive, replace=False)
    assert {stat.S_IMODE(file.stat().st_mode) for file in other.iterdir()} == {0o600}


def test_nothing_lies_about_afterwards(archive: Path, home: Path, other: Path) -> None:
    restore(other, archive, replace=False)
    assert {file.name for file in other.iterdir()} == {CHATS, *KEYS}
    assert {file.name for file in archive.parent.iterdir()} == {"home", "other", "kept.zip"}


def test_a_running_home_is_kept_as_it_is_at_one_moment(
    home: Path, tmp_path: Path, other: Path
) -> None:
    begun, stop = threading.Event(), threading.Event()

    def chat() -> None:
        with closing(open_database(home / CHATS)) as db:
            for number in range(100_000):
                name = f"chat-{number}"
                EventLog(db).change("anna", name, lambda mine, name=name: mine.make_chat(name))  # type: ignore[misc]
                if number == 20:
                    begun.set()
                if stop.is_set():
                    return

    with closing(sqlite3.connect(home / CHATS)) as reader:
        # A reader keeps what is written in the log beside the file.
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM chats").fetchone()
        writing = threading.Thread(target=chat)
        writing.start()
        assert begun.wait(30)
        try:
            backup(home, tmp_path / "running.zip")
        finally:
            stop.set()
            writing.join()
    restore(other, tmp_path / "running.zip", replace=False)
    with closing(open_database(other / CHATS)) as db:
        chats = [name for (name,) in db.execute("SELECT id FROM chats WHERE user = 'anna'")]
        commands = [name for (name,) in db.execute("SELECT id FROM commands")]
    assert len(chats) > 20
    assert sorted(chats) == sorted(commands), "no half of a transaction"


def test_a_home_that_is_there_is_not_touched(home: Path, archive: Path, other: Path) -> None:
    make_home(other)
    mine = bytes_of(other)
    with pytest.raises(BackupFailed, match="--replace"):
        restore(other, archive, replace=False)
    assert bytes_of(other) == mine
    for name in (CHATS, "dtls.pem"):
        (other / name).unlink()
    with pytest.raises(BackupFailed, match="--replace"):
        restore(other, archive, replace=False)


def test_what_is_replaced_is_moved_and_not_mixed(home: Path, archive: Path, other: Path) -> None:
    make_home(other)
    mine = state(other)
    db = open_database(other / CHATS)  # left as a crash leaves it: the newest is in the log
    db.execute("PRAGMA wal_autocheckpoint = 0")
    People(db).add_person("Boris", 9)
    crashed = bytes_of(other)
    db.close()
    for name, content in crashed.items():
        (other / name).write_bytes(content)
    assert (other / f"{CHATS}-wal").stat().st_size > 0
    _, before = restore(other, archive, replace=True)
    assert state(other) == state(home)
    assert before is not None
    keys, prints, people, *rest = state(before)
    assert (keys, prints, *rest) == (*mine[:2], *mine[3:])
    assert [person.name for person in people] == ["Anna", "Boris"]  # type: ignore[attr-defined]


class Killed(BaseException):
    """The process ends."""


@pytest.mark.parametrize("is_anybody_there", [False, True])
def test_a_restore_that_is_killed_leaves_the_old_home_or_the_new(
    home: Path,
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_anybody_there: bool,
) -> None:
    replace = Path.replace
    theirs = state(home)
    seen: list[bool] = []
    for step in itertools.count():
        folder = tmp_path / f"other-{step}" / "gpu_peer"
        folder.mkdir(parents=True)
        mine = state(make_home(folder)) if is_anybody_there else None
        if is_anybody_there:
            Backups(folder / CHATS).make_if_due(NOW, lambda: True)
        left = iter(range(step))

        def until_killed(file: Path, target: Path, left: Iterator[int] = left) -> Path:
            if next(left, None) is None:
                raise Killed
            return replace(file, target)

        killed = True
        with monkeypatch.context() as patch, suppress(Killed):
            patch.setattr(Path, "replace", until_killed)
            restore(folder, archive, replace=True)
            killed = False
        with only_one(Config(data=folder.parent)):
            there = [name for name in (*KEYS, CHATS) if (folder / name).exists()]
            assert there in ([], [*KEYS, CHATS])
            now = state(folder) if there else None
        assert now in (mine, theirs)
        seen.append(now == theirs)
        hidden = [file.name for file in folder.iterdir() if file.name.startswith(".")]
        assert hidden == []
        if now == theirs and is_anybody_there:
            (before,) = folder.glob("replaced-*")
            assert state(before) == mine
            assert len(Backups(before / CHATS).all()) == 1
            assert Backups(folder / CHATS).all() == []
        if not killed:
            break
    assert seen == sorted(seen)
    assert len(set(seen)) == 2


def test_what_an_ended_restore_has_left_is_dropped(home: Path) -> None:
    half = home / ".restoring-abc"
    half.mkdir()
    (half / CHATS).write_bytes(b"a great secret")
    tidy(home)
    assert not half.exists()
    assert len(state(home)[3]) == 2  # type: ignore[arg-type]


def test_a_disk_that_is_full_is_said_in_a_sentence(
    archive: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("gpu_peer.backup.carry_over", full)
    with pytest.raises(BackupFailed, match=r"cannot be put into .*: database or disk is full"):
        restore(other, archive, replace=False)
    assert list(other.iterdir()) == []


def test_a_device_that_was_removed_since_stays_removed(home: Path, archive: Path) -> None:
    with closing(open_database(home / CHATS)) as db:
        People(db).revoke(key_id(PHONE), 5)
    restore(home, archive, replace=True)
    with closing(open_database(home / CHATS)) as db:
        assert [device.revoked for device in People(db).devices()] == [True, True]


def test_an_unreadable_list_keeps_nobody_from_a_backup(home: Path, archive: Path) -> None:
    (home / CHATS).write_bytes(b"rotten" * 1000)
    (home / "identity.pem").write_bytes(b"")
    _, before = restore(home, archive, replace=True)
    assert before is not None
    assert (before / CHATS).read_bytes() == b"rotten" * 1000
    assert (before / "identity.pem").read_bytes() == b""
    assert len(state(home)[3]) == 2  # type: ignore[arg-type]


def test_a_log_without_its_file_is_not_taken_for_another_ones(home: Path, archive: Path) -> None:
    (home / CHATS).rename(home / f"{CHATS}-wal")
    _, before = restore(home, archive, replace=True)
    assert {file.name for file in home.iterdir() if file.is_file()} == {CHATS, *KEYS}
    assert before is not None
    assert {file.name for file in before.iterdir()} == {f"{CHATS}-wal", *KEYS}


def change(archive: Path, name: str, changed: Callable[[bytes], bytes]) -> None:
    """Change a file inside, and make its CRC fit again, as no accident would."""
    with zipfile.ZipFile(archive) as zipped:
        files = {info: zipped.read(info) for info in zipped.namelist()}
    with zipfile.ZipFile(archive, "w") as zipped:
        for info, content in files.items():
            zipped.writestr(info, changed(content) if info == name else content)


def flip(archive: Path, name: str) -> None:
    def flipped(content: bytes) -> bytes:
        middle = len(content) // 2
        return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]

    change(archive, name, flipped)


def of_another_home(archive: Path) -> None:
    other = key_id(PHONE).encode()
    change(archive, MANIFEST, lambda text: re.sub(rb'(?<="home":")\w+', other, text))


def without(archive: Path, name: str) -> None:
    with zipfile.ZipFile(archive) as zipped:
        files = {info: zipped.read(info) for info in zipped.namelist() if info != name}
    with zipfile.ZipFile(archive, "w") as zipped:
        for info, content in files.items():
            zipped.writestr(info, content)


def cut_short(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-100])


DAMAGE: dict[str, Callable[[Path], object]] = {
    "short": cut_short,
    "empty": lambda archive: archive.write_bytes(b""),
    "other": lambda archive: archive.write_bytes(b"something else" * 1000),
    "key": lambda archive: flip(archive, "identity.pem"),
    "certificate": lambda archive: flip(archive, "dtls.pem"),
    "chats": lambda archive: flip(archive, CHATS),
    "manifest": lambda archive: flip(archive, MANIFEST),
    "of another home": of_another_home,
    "no manifest": lambda archive: without(archive, MANIFEST),
    "no key": lambda archive: without(archive, "identity.pem"),
    "gone": lambda archive: archive.unlink(),
    "folder": lambda archive: (archive.unlink(), archive.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_backup_changes_nothing(archive: Path, other: Path, damage: str) -> None:
    make_home(other)
    mine = bytes_of(other)
    DAMAGE[damage](archive)
    with pytest.raises(BackupFailed, match=r"kept\.zip.*\.$"):
        restore(other, archive, replace=True)
    assert bytes_of(other) == mine
    assert not [file for file in other.iterdir() if file.is_dir()]


def test_every_byte_that_rots_is_found_or_does_not_matter(archive: Path, home: Path) -> None:
    whole, kept = bytearray(archive.read_bytes()), state(home)
    for place in range(0, len(whole), max(1, len(whole) // 60)):
        whole[place] ^= 0x10
        archive.write_bytes(whole)
        whole[place] ^= 0x10
        folder = archive.parent / f"at-{place}"
        folder.mkdir()
        try:
            restore(folder, archive, replace=False)
        except BackupFailed:
            assert not list(folder.iterdir())
        else:
            assert state(folder) == kept


def test_a_backup_of_a_newer_hearth_says_so(home: Path, archive: Path, other: Path) -> None:
    change(archive, MANIFEST, lambda text: text.replace(b'"format":1', b'"format":2'))
    with pytest.raises(BackupFailed, match="newer Hearth"):
        restore(other, archive, replace=False)


def test_a_file_that_is_there_is_not_overwritten(home: Path, archive: Path) -> None:
    before = archive.read_bytes()
    with pytest.raises(BackupFailed, match="Choose another name"):
        backup(home, archive)
    assert archive.read_bytes() == before


def test_where_there_is_no_home_there_is_no_backup(home: Path, tmp_path: Path) -> None:
    for name in (CHATS, *KEYS):
        content = (home / name).read_bytes()
        (home / name).unlink()
        with pytest.raises(BackupFailed, match="Start the home once"):
            backup(home, tmp_path / "new.zip")
        assert not (home / name).exists(), "made by looking"
        (home / name).write_bytes(content)
    with pytest.raises(BackupFailed, match="cannot be written"):
        backup(home, tmp_path / "no such folder" / "new.zip")
    (home / CHATS).write_bytes(b"rotten" * 1000)
    with pytest.raises(StorageDamaged):
        backup(home, tmp_path / "new.zip")
    assert {file.name for file in tmp_path.iterdir()} == {"home"}


def test_the_commands_say_what_they_did(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "data").mkdir()
    folder = home.rename(tmp_path / "data" / "gpu_peer")
    monkeypatch.setenv("HEARTH_DATA", str(tmp_path / "data"))
    kept = str(tmp_path / "kept.zip")
    with only_one(Config(data=tmp_path / "data")):
        assert main(["backup", kept]) == 0, "while it runs"
        assert load_identity(folder).home_id in capsys.readouterr().out
        assert main(["restore", kept, "--replace"]) == 1
        assert "Stop it" in capsys.readouterr().err
    assert main(["restore", kept]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["restore", kept, "--replace"]) == 0
    assert "replaced-" in capsys.readouterr().out
