"""Copies of the chats that the home makes by itself while it runs, a day apart, the last seven.

They lie beside the chats and help against a damaged file, not against a lost disk: for that there
is `python -m gpu_peer backup`. A copy gets its name only once it is whole, checked and on the disk.

What was deleted is taken out of the copies too.
"""

import os
import re
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gpu_peer.disk import to_disk
from gpu_peer.errors import BackupFailed, StorageDamaged, StorageError
from gpu_peer.storage.database import check_database, copy_database, open_database
from gpu_peer.storage.deleted import Chats, deleted_chats, erase_chats, living_chats
from gpu_peer.storage.lineage import begin_new_log

KEPT = 7
APART = timedelta(days=1)
RESERVE_BYTES = 64 << 20
"""What a backup leaves of the disk: the chats must not find it full because of their copies."""

_NAME = "chats-%Y%m%d-%H%M%S.sqlite3"
_HALF = ".half-"
"""Begins the name of a copy that is not done."""

GoOn = Callable[[], bool]
"""Asked between steps; with false the work stops, and leaves nothing half."""


@dataclass(frozen=True)
class Backup:
    """A copy. `made` is in UTC, to the second."""

    path: Path
    made: datetime


@dataclass(frozen=True)
class GoodBackup:
    """A copy that was looked through and is sound, and how many chats it has."""

    path: Path
    made: datetime
    chats: int

    def as_text(self) -> str:
        """Say it."""
        chats = "1 chat" if self.chats == 1 else f"{self.chats} chats"
        return f"{self.made:%Y-%m-%d %H:%M} UTC, {chats}"


def name_of(made: datetime) -> str:
    """Give the name of a backup made then."""
    return made.astimezone(UTC).strftime(_NAME)


def backup_at(path: Path) -> Backup | None:
    """Read a name; None for any other file's."""
    if not re.fullmatch(r"chats-\d{8}-\d{6}\.sqlite3", path.name):
        return None
    try:
        return Backup(path, datetime.strptime(path.name, _NAME).replace(tzinfo=UTC))
    except ValueError:
        return None


def newest_first(backups: Iterable[Backup], now: datetime) -> list[Backup]:
    """Put them in order. Those of the future come last: when they were made, a clock was wrong."""
    return sorted(backups, key=lambda one: (one.made <= now, one.made), reverse=True)


def is_due(backups: Iterable[Backup], now: datetime) -> bool:
    """Whether the newest is older than a day, or there is none."""
    return all(one.made > now or now - one.made >= APART for one in backups)


def superfluous(backups: Iterable[Backup], now: datetime) -> Sequence[Backup]:
    """Give all but the newest that are kept."""
    return newest_first(backups, now)[KEPT:]


class Backups:
    """The backups of one chats file. All methods block, and may be called from any thread."""

    def __init__(self, chats: Path) -> None:
        self._chats = chats
        self.folder = chats.parent / "backups"

    def all(self) -> list[Backup]:
        """Give those that there are, in no order."""
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        return [one for one in map(backup_at, found) if one is not None]

    def last_good(self, now: datetime) -> GoodBackup | None:
        """Give the newest that is sound; looks through one after another until then."""
        for one in newest_first(self.all(), now):
            try:
                with closing(_reading(one.path)) as db:
                    check_database(db, one.path)
                    (chats,) = db.execute("SELECT count(*) FROM chats WHERE NOT deleted").fetchone()
            except (sqlite3.Error, StorageError, OSError):
                continue
            return GoodBackup(one.path, one.made, chats)
        return None

    def make_if_due(self, now: datetime, go_on: GoOn) -> Backup | None:
        """Copy the chats, when the last copy is older than a day and they have changed since.

        Raises:
            BackupFailed: the system refused, or the chats are damaged. They are as they were.
        """
        with backup_errors(f"No backup of the chats could be made in {self.folder}"):
            self._drop_halves()
            backups = self.all()
            if not is_due(backups, now) or not self._have_changed_since(backups, now):
                return None
            self.folder.mkdir(mode=0o700, exist_ok=True)
            made = Backup(self.folder / name_of(now), now.replace(microsecond=0))
            if not self._copy(self._chats, made.path, go_on):
                return None
            for old in superfluous([*backups, made], now):
                old.path.unlink()
            return made

    def forget_deleted(self, now: datetime, go_on: GoOn) -> int:
        """Take out of the backups what was deleted since, and give how many had some of it.

        Damaged ones are left as they are.

        Raises:
            BackupFailed: see `make_if_due`; the backup at fault is as it was.
        """
        changed = 0
        with backup_errors(f"No backup of the chats could be made in {self.folder}"):
            with closing(_reading(self._chats)) as db:
                deleted = deleted_chats(db)
            for one in self.all():
                with suppress(sqlite3.DatabaseError, StorageDamaged):
                    with closing(_reading(one.path)) as copy:
                        known = deleted & living_chats(copy)
                    if known:
                        changed += self._copy(one.path, one.path, go_on, _eraser(known, now))
        return changed

    def _copy(
        self, source: Path, target: Path, go_on: GoOn, change: Callable[[Path], None] | None = None
    ) -> bool:
        """Copy and check, change beside, then rename. False when it was told to stop."""
        self._require_room()
        beside = self.folder / f"{_HALF}{secrets.token_hex(4)}"
        os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            copy_database(source, beside, go_on)
            if change is not None:
                change(beside)
            with closing(_reading(beside)) as db:
                # One file, which needs no other to be read.
                db.execute("PRAGMA journal_mode = DELETE")
            if not go_on():
                return False
            to_disk(beside)
            beside.replace(target)
            to_disk(self.folder)
        except StorageError:
            if not go_on():
                return False
            raise
        finally:
            self._drop_halves()
        return True

    def _drop_halves(self) -> None:
        """Remove what a process that was ended has left; the home has the folder for itself."""
        for half in self.folder.glob(f"{_HALF}*"):
            half.unlink(missing_ok=True)

    def _have_changed_since(self, backups: Sequence[Backup], now: datetime) -> bool:
        with closing(_reading(self._chats)) as db:
            state = _state(db)
        if not (newest := newest_first(backups, now)):
            return any(state)
        try:
            with closing(_reading(newest[0].path)) as db:
                return _state(db) != state
        except sqlite3.Error:
            return True  # a damaged one is as good as none

    def _require_room(self) -> None:
        needed = self._chats.stat().st_size + RESERVE_BYTES
        if (free := shutil.disk_usage(self._chats.parent).free) < needed:
            raise BackupFailed(
                f"There is no room for a backup of the chats beside {self._chats}: "
                f"{free >> 20} MB are free, {(needed >> 20) + 1} MB are needed. Make room there."
            )


@contextmanager
def backup_errors(failed: str) -> Iterator[None]:
    """Turn what the system, SQLite and the database's opening raise into a `BackupFailed`."""
    try:
        yield
    except OSError as error:
        why = f"{error.strerror or type(error).__name__}."
    except (StorageError, sqlite3.Error) as error:
        why = str(error)
    else:
        return
    raise BackupFailed(f"{failed}: {why}")


def _eraser(deleted: Chats, now: datetime) -> Callable[[Path], None]:
    def erase(copy: Path) -> None:
        with closing(open_database(copy)) as db:
            # What is added here has numbers that mean something else in the log of the chats.
            begin_new_log(db)
            erase_chats(db, deleted, round(now.timestamp() * 1000))
            check_database(db, copy)

    return erase


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)


def _state(db: sqlite3.Connection) -> list[list[object]]:
    """Give what is another after every change: the logs' newest numbers, people and devices."""
    tables = ("SELECT id, head FROM users", "SELECT * FROM people", "SELECT * FROM devices")
    return [db.execute(table).fetchall() for table in tables]
