"""One SQLite file in write-ahead mode, one connection, one thread."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import aiosqlite

from signaling.errors import (
    CannotStart,
    DatabaseDamaged,
    DataFolderUnusable,
    DiskFull,
    StorageFailed,
)
from signaling.storage import migrations

Value = str | float | bytes

# A session and its token are promised to the client, so they outlive a power cut: FULL.
_PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA secure_delete = ON;
PRAGMA foreign_keys = ON;
PRAGMA busy_timeout = 2000;
"""


class Database:
    """Reads, and writes in transactions."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._writing = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path) -> "Database":
        """Open the database, made and migrated as needed.

        Raises:
            DatabaseDamaged, DatabaseNewer, MigrationChanged: the file is no use to this version.
            DataFolderUnusable, DiskFull: it cannot be written.
        """
        try:
            await asyncio.to_thread(_migrate, path)
            connection = await aiosqlite.connect(path, isolation_level=None)
            await connection.executescript(_PRAGMAS)
        except sqlite3.Error as error:
            raise _start_error(error, path) from None
        return cls(connection)

    async def read(self, sql: str, *values: Value) -> list[sqlite3.Row]:
        """Give the rows of a query.

        Raises:
            StorageFailed: the database did not answer.
        """
        try:
            return list(await self._connection.execute_fetchall(sql, values))
        except (sqlite3.Error, ValueError):
            raise StorageFailed from None

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        """Make what is written inside all or nothing; one at a time on the one connection.

        Raises:
            StorageFailed: nothing was written.
        """
        async with self._writing:
            try:
                await self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                except BaseException:
                    await self._connection.execute("ROLLBACK")
                    raise
                await self._connection.execute("COMMIT")
            except (sqlite3.Error, ValueError):
                raise StorageFailed from None

    async def forget(self) -> None:
        """Have what was deleted leave the disk too: the log of writes still has its older pages.

        Where somebody reads just then, it leaves with the next checkpoint.

        Raises:
            StorageFailed: the database did not answer.
        """
        async with self._writing:
            await self.read("PRAGMA wal_checkpoint(TRUNCATE)")

    async def close(self) -> None:
        """Finish what was begun and let go of the file."""
        async with self._writing:
            await self._connection.close()


def _migrate(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript(_PRAGMAS)
        migrations.apply(database, migrations.shipped())


def _start_error(error: sqlite3.Error, path: Path) -> CannotStart:
    match error.sqlite_errorname if hasattr(error, "sqlite_errorname") else "":
        case "SQLITE_FULL":
            return DiskFull(f"The disk of {path.parent} is full. Make room and start again.")
        case "SQLITE_NOTADB" | "SQLITE_CORRUPT":
            return DatabaseDamaged(
                f"The database {path} is damaged. Restore it from a backup, or move it away to "
                "begin with no accounts."
            )
        case _:
            return DataFolderUnusable(
                f"The database {path} cannot be opened for writing. Check the folder's permissions."
            )
