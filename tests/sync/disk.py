"""SQLite whose process dies, or whose disk fails, at a write that the scheduler chose."""

import sqlite3
from typing import Any

_WRITES = (
    *("INSERT", "UPDATE", "DELETE", "COMMIT"),
    *("VACUUM", "PRAGMA WAL_CHECKPOINT", "PRAGMA USER_VERSION ="),
)


class Killed(BaseException):
    """The process is no more."""


class Disk:
    """What is to happen at which write.

    Attributes:
        writes: How many were begun.
        kill_at: The number of the write at which the process dies; None for never.
        kill_after: Whether it dies when that write was done, rather than before it.
        fail_from: The number of the first write that the disk refuses; None for none.
        fail_until: The number of the first one after that which it takes again.
    """

    def __init__(self) -> None:
        self.writes = 0
        self.kill_at: int | None = None
        self.kill_after = False
        self.fail_from: int | None = None
        self.fail_until = 0
        self.dead = False

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
            raise Killed


class _Connection(sqlite3.Connection):
    disk: Disk

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


def connections_on(disk: Disk) -> type[sqlite3.Connection]:
    """Give a class of connections to that disk."""
    return type("Connection", (_Connection,), {"disk": disk})
