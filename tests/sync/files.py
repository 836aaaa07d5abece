"""The database of a simulated PC as files: made once, copied, read, and put back."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from gpu_peer.carried_over import carry_over
from gpu_peer.clock import LoopClock
from gpu_peer.household.household import Household
from gpu_peer.storage.store import Store
from tests.gpu_peer.support.trust import HOME

connect = sqlite3.connect
"""What it is when no PC runs."""


def files_of(path: Path) -> list[Path]:
    """Give those of the database's files that are there: itself, its log, and the log's index."""
    return [file for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")) if file.exists()]


def remove(path: Path) -> None:
    """Leave nothing of the database."""
    for file in files_of(path):
        file.unlink()


def copy(source: Path, target: Path) -> None:
    """Put a copy of a database that nobody has open in the place of another."""
    remove(target)
    shutil.copyfile(source, target)


def back_up(path: Path, target: Path) -> None:
    """Copy it as a process of its own does, which nothing kills."""
    with closing(connect(path)) as there, closing(connect(target)) as here:
        there.backup(here)


def restore(backup: Path, path: Path, now_ms: int) -> None:
    """Put the backup in the place of what there is, as `restore` does."""
    sqlite3.connect = connect  # The command is a process of its own.
    prepared = path.with_name("prepared.sqlite3")
    copy(backup, prepared)
    carry_over(path, prepared, now_ms)
    copy(prepared, path)


def make_template(path: Path) -> None:
    """Make the database of a home that was never used."""

    async def made() -> None:
        store = await Store(path).open()
        await Household(HOME, store, LoopClock()).open()
        await store.close()

    asyncio.run(made())
    with closing(connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
