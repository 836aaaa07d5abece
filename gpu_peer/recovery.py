"""What happens to damaged chats: nothing by itself. A person is told, and puts a backup in place.

A damaged file is set aside with a new name, never deleted: somebody may save more of it.
"""

import datetime
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from gpu_peer.carried_over import carry_over
from gpu_peer.disk import to_disk
from gpu_peer.errors import BackupFailed, StorageDamaged, StorageError, StorageForeign
from gpu_peer.replacing import HALF
from gpu_peer.storage.backups import Backups, GoodBackup, backup_errors
from gpu_peer.storage.database import copy_database, open_database

LOGS = ("-wal", "-shm")
"""Ends of the names of what SQLite has not yet moved into the file. They belong to it."""

_LATEST = "python -m gpu_peer restore --latest"
_EMPTY = "python -m gpu_peer restore --empty"


@contextmanager
def telling_what_to_do(chats: Path) -> Iterator[None]:
    """Open the chats inside. Where they are damaged, or gone, say which backup there is.

    Raises:
        StorageDamaged: with the command that puts the backup in their place.
    """
    lost = not chats.exists() and bool(Backups(chats).all() or _aside_of(chats))
    try:
        if lost:
            raise StorageDamaged(f"The chats in {chats} are gone.")
        yield
    except StorageForeign:
        raise
    except StorageDamaged as error:
        raise StorageDamaged(f"{error} {_advice(chats)}") from None


def restore_latest(
    chats: Path, now: datetime.datetime, *, replace: bool
) -> tuple[GoodBackup, Path | None]:
    """Put the last good backup in the place of damaged chats. The caller holds the folder.

    Gives the backup, and the name that the file has now which was there before.

    Raises:
        BackupFailed: there is no good backup, the chats are sound and not `replace`, or the system
            refused. Then everything is as it was.
    """
    _require_damaged(chats, replace=replace)
    if (good := Backups(chats).last_good(now)) is None:
        raise BackupFailed(
            f"There is no good backup of the chats in {Backups(chats).folder}. "
            f"To set the chats aside and begin anew: {_EMPTY}"
        )
    with _beside(chats) as made:
        copy = Path(made) / chats.name
        copy.touch(mode=0o600)
        copy_database(good.path, copy)
        carry_over(chats, copy, _ms(now))
        return good, _put(copy, chats, now)


def restore_empty(chats: Path, now: datetime.datetime, *, replace: bool) -> Path | None:
    """Set damaged chats aside, and give the name they have now; the home begins anew.

    Raises:
        BackupFailed: the chats are sound and not `replace`, or the system refused.
    """
    _require_damaged(chats, replace=replace)
    with _beside(chats) as made:
        copy = Path(made) / chats.name
        with closing(open_database(copy)) as db:
            db.execute("PRAGMA journal_mode = DELETE")
        return _put(copy, chats, now)


@contextmanager
def _beside(chats: Path) -> Iterator[str]:
    """Make a folder on the same disk for the time of the block."""
    with (
        backup_errors(f"Nothing was put into {chats}"),
        tempfile.TemporaryDirectory(prefix=HALF, dir=chats.parent) as made,
    ):
        yield made


def _require_damaged(chats: Path, *, replace: bool) -> None:
    if not chats.exists():
        return
    try:
        # A sound file takes up its log by this, so that it misses nothing while the log is moved.
        open_database(chats).close()
    except StorageForeign:
        pass
    except StorageDamaged:
        return
    except StorageError:
        if not replace:
            raise
    if replace:
        return
    raise BackupFailed(
        f"The chats in {chats} are not damaged. To set them aside all the same, add --replace."
    )


def _advice(chats: Path) -> str:
    good = Backups(chats).last_good(datetime.datetime.now(datetime.UTC))
    if good is None:
        return f"There is no good backup of them. To set them aside and begin anew: {_EMPTY}"
    return (
        f"The last good backup is of {good.as_text()}. "
        f"To put it in their place and set them aside: {_LATEST}"
    )


def _put(copy: Path, chats: Path, now: datetime.datetime) -> Path | None:
    """Set aside what is there, and move the copy into its place.

    The place is never empty where links can be made: a home would begin anew in it. The logs go
    first: SQLite would write them into the copy.
    """
    there = [end for end in ("", *LOGS) if _with(chats, end).exists()]
    aside = _free_name(chats, now) if there else None
    if aside is not None:
        if "" in there:
            try:
                aside.hardlink_to(chats)
            except OSError:  # no hard links, as on a memory stick
                chats.replace(aside)
        for end in LOGS:
            if end in there:
                _with(chats, end).replace(_with(aside, end))
    to_disk(copy)
    copy.replace(chats)
    to_disk(chats.parent)
    return aside


def _free_name(chats: Path, now: datetime.datetime) -> Path:
    name = f"{chats.name}.damaged-{now.astimezone(datetime.UTC):%Y%m%d-%H%M%S}"
    taken = {file.name for file in _aside_of(chats)}
    names = (name, *(f"{name}-{number}" for number in range(2, len(taken) + 3)))
    return chats.with_name(next(one for one in names if one not in taken))


def _aside_of(chats: Path) -> list[Path]:
    return list(chats.parent.glob(f"{chats.name}.damaged-*"))


def _with(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def _ms(now: datetime.datetime) -> int:
    return round(now.timestamp() * 1000)
