"""SQLite whose process dies, or whose disk fails, where the scheduler chose."""

import sqlite3
from pathlib import Path
from typing import Any

from tests.sync import files
from tests.sync.power import NAME, Synced, watch

_WRITES = (
    *("INSERT", "UPDATE", "DELETE", "COMMIT"),
    *("VACUUM", "PRAGMA WAL_CHECKPOINT", "PRAGMA USER_VERSION ="),
)


class Killed(BaseException):
    """The process is no more."""


class _Connection(sqlite3.Connection):
    disk: "Disk"

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:  # type: ignore[override]
        disk = self.disk
        if not disk.before(statement):
            return super().execute(statement, *values)
        cursor = super().execute(statement, *values)
        disk.after()
        return cursor

    def executemany(self, statement: str, *values: Any) -> sqlite3.Cursor:  # type: ignore[override]
        disk = self.disk
        if not disk.before(statement):
            return super().executemany(statement, *values)
        cursor = super().executemany(statement, *values)
        disk.after()
        return cursor


class Disk:
    """What is to happen at which write.

    Attributes:
        writes: How many were begun.
        kill_at: The number of the write at which the process dies; None for never.
        kill_after: Whether it dies when that write was done, rather than before it.
        fail_from: The number of the first write that the disk refuses; None for none.
        fail_until: The number of the first one after that which it takes again.
        syncs: How often a file was to be synced.
        lose_at: The number of the time at which the power is lost instead; None for never.
        left: What the files then have, by path; None where the power was not lost.
    """

    def __init__(self, synced: Synced | None = None) -> None:
        self._synced = synced
        if synced is not None:
            watch(synced.names, self._sync)
        self.writes = 0
        self.kill_at: int | None = None
        self.kill_after = False
        self.fail_from: int | None = None
        self.fail_until = 0
        self.syncs = 0
        self.lose_at: int | None = None
        self.left: dict[str, bytes] | None = None
        self.dead = False
        self._factory = type("Connection", (_Connection,), {"disk": self})
        self._opened: list[sqlite3.Connection] = []

    def connect(self, database: Path | str, **how: Any) -> sqlite3.Connection:
        """Open a database on this disk, as `sqlite3.connect` does."""
        if isinstance(database, Path) and self._synced is not None:
            database = f"{database.absolute().as_uri()}?vfs={NAME}"
            how["uri"] = True
        connection = files.connect(database, factory=self._factory, **how)
        self._opened.append(connection)
        return connection

    def close(self) -> None:
        """Close what the process had open; whoever does that later takes files of the next away."""
        for connection in self._opened:
            connection.close()

    def before(self, statement: str) -> bool:
        """Take note of a statement; gives whether it is a write."""
        if self.dead:
            raise Killed
        if not statement.lstrip().upper().startswith(_WRITES):
            return False
        self.writes += 1
        if self.kill_at == self.writes and not self.kill_after:
            self.dead = True
            raise Killed
        if self.fail_from is not None and self.fail_from <= self.writes < self.fail_until:
            raise sqlite3.OperationalError("database or disk is full")
        return True

    def after(self) -> None:
        """A write was done."""
        if self.kill_at == self.writes and self.kill_after:
            self.dead = True
        if self.dead:
            raise Killed

    def lose_power(self) -> None:
        """Nothing that is written from now on is there."""
        self.left = self._synced.left() if self._synced else None
        self.dead = True

    def _sync(self, name: str) -> None:
        """A file is synced, or was about to be when the power was lost."""
        if self.dead or self._synced is None:
            return
        self.syncs += 1
        if self.lose_at == self.syncs:
            self.lose_power()
        else:
            self._synced.take(name)
