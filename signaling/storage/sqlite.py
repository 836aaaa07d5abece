"""The embedded storage: one SQLite file in write-ahead mode, one connection, one thread."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import aiosqlite

from protocol.accounts import User
from signaling.errors import (
    CannotStart,
    DatabaseDamaged,
    DataFolderUnusable,
    DiskFull,
    StorageFailed,
    UsernameTaken,
)
from signaling.sessions import LIFETIME_S, REMEMBERED, Verdict, judge
from signaling.storage import Revoked, Rotated, StoredRoom, StoredUser, migrations

UNNAMED_HOME = "Home"
"""What a home is called before it connected for the first time."""

# A session and its token are promised to the client, so they outlive a power cut: FULL.
_PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA busy_timeout = 2000;
"""


class SqliteStorage:
    """Implements `Storage`."""

    def __init__(self, database: aiosqlite.Connection) -> None:
        self._database = database
        self._writing = asyncio.Lock()

    @classmethod
    async def open(cls, path: Path) -> "SqliteStorage":
        """Open the database, made and migrated as needed.

        Raises:
            DatabaseDamaged, DatabaseNewer, MigrationChanged: the file is no use to this version.
            DataFolderUnusable, DiskFull: it cannot be written.
        """
        try:
            await asyncio.to_thread(_migrate, path)
            database = await aiosqlite.connect(path, isolation_level=None)
            await database.executescript(_PRAGMAS)
        except sqlite3.Error as error:
            raise _start_error(error, path) from None
        return cls(database)

    async def create_user(self, stored: StoredUser, now: float) -> None:
        """See `Storage`."""
        user = stored.user
        row = (user.id, user.name, user.name.casefold(), stored.password_hash, now)
        async with self._transaction():
            try:
                await self._database.execute("INSERT INTO users VALUES (?, ?, ?, ?, ?)", row)
            except sqlite3.IntegrityError:
                raise UsernameTaken from None

    async def find_user(self, name: str) -> StoredUser | None:
        """See `Storage`."""
        rows = await self._read(
            "SELECT id, name, password_hash FROM users WHERE folded_name = ?", name.casefold()
        )
        for user, shown, password_hash in rows:
            return StoredUser(user=User(id=user, name=shown), password_hash=password_hash)
        return None

    async def create_session(self, session: str, user: str, token: bytes, now: float) -> None:
        """See `Storage`."""
        async with self._transaction():
            await self._database.execute("DELETE FROM sessions WHERE expires_at <= ?", (now,))
            await self._database.execute(
                "INSERT INTO sessions VALUES (?, ?, 0, ?, ?, 0)",
                (session, user, now, now + LIFETIME_S),
            )
            await self._database.execute(
                "INSERT INTO refresh_tokens VALUES (?, ?, 0)", (token, session)
            )

    async def rotate(self, token: bytes, fresh: bytes, now: float) -> Rotated | Revoked | None:
        """See `Storage`."""
        async with self._transaction():
            rows = await self._database.execute_fetchall(_SESSION_BY_REFRESH, (token,))
            for session, revoked, mine, newest, rotated_at, expires_at, user, name in rows:
                if revoked:
                    return Revoked(session=session)
                if expires_at <= now:
                    return None
                verdict = judge(mine, newest, rotated_at, now)
                if verdict is Verdict.REVOKE:
                    await self._revoke(session)
                    return Revoked(session=session)
                if verdict is Verdict.ROTATE:
                    newest += 1
                    await self._begin_generation(session, newest, now)
                await self._database.execute(
                    "INSERT INTO refresh_tokens VALUES (?, ?, ?)", (fresh, session, newest)
                )
                return Rotated(session=session, user=User(id=user, name=name))
            return None

    async def revoke(self, token: bytes) -> str | None:
        """See `Storage`."""
        async with self._transaction():
            rows = await self._database.execute_fetchall(
                "SELECT session_id FROM refresh_tokens WHERE hash = ?", (token,)
            )
            for (session,) in rows:
                await self._revoke(session)
                return str(session)
            return None

    async def is_live(self, session: str, now: float) -> bool:
        """See `Storage`."""
        return bool(
            await self._read(
                "SELECT 1 FROM sessions WHERE id = ? AND NOT revoked AND expires_at > ?",
                session,
                now,
            )
        )

    async def ensure_rooms(self, user: str, homes: Iterable[str]) -> None:
        """See `Storage`."""
        async with self._transaction():
            for home in homes:
                await self._database.execute(
                    "INSERT OR IGNORE INTO homes VALUES (?, ?)", (home, UNNAMED_HOME)
                )
                await self._database.execute(
                    "INSERT OR IGNORE INTO rooms VALUES (lower(hex(randomblob(16))), ?, ?)",
                    (user, home),
                )

    async def rooms_of_user(self, user: str) -> list[StoredRoom]:
        """See `Storage`."""
        return _rooms(await self._read(_ROOMS + "WHERE rooms.user_id = ?", user))

    async def rooms_of_home(self, home: str) -> list[StoredRoom]:
        """See `Storage`."""
        return _rooms(await self._read(_ROOMS + "WHERE rooms.home_id = ?", home))

    async def name_home(self, home: str, name: str) -> None:
        """See `Storage`."""
        async with self._transaction():
            await self._database.execute(
                "INSERT INTO homes VALUES (?, ?) "
                "ON CONFLICT (id) DO UPDATE SET name = excluded.name",
                (home, name),
            )

    async def check(self) -> None:
        """See `Storage`."""
        await self._read("SELECT 1 FROM migrations")

    async def close(self) -> None:
        """See `Storage`."""
        async with self._writing:
            await self._database.close()

    async def _revoke(self, session: str) -> None:
        await self._database.execute("UPDATE sessions SET revoked = 1 WHERE id = ?", (session,))

    async def _begin_generation(self, session: str, newest: int, now: float) -> None:
        await self._database.execute(
            "UPDATE sessions SET generation = ?, rotated_at = ?, expires_at = ? WHERE id = ?",
            (newest, now, now + LIFETIME_S, session),
        )
        await self._database.execute(
            "DELETE FROM refresh_tokens WHERE session_id = ? AND generation < ?",
            (session, newest - REMEMBERED),
        )

    async def _read(self, sql: str, *values: str | float) -> list[sqlite3.Row]:
        try:
            return list(await self._database.execute_fetchall(sql, values))
        except (sqlite3.Error, ValueError):
            raise StorageFailed from None

    @contextlib.asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        """Make what is written inside all or nothing; one at a time on the one connection."""
        async with self._writing:
            try:
                await self._database.execute("BEGIN IMMEDIATE")
                try:
                    yield
                except BaseException:
                    await self._database.execute("ROLLBACK")
                    raise
                await self._database.execute("COMMIT")
            except (sqlite3.Error, ValueError):
                raise StorageFailed from None


_SESSION_BY_REFRESH = """
SELECT sessions.id, sessions.revoked, refresh_tokens.generation, sessions.generation,
       sessions.rotated_at, sessions.expires_at, users.id, users.name
FROM refresh_tokens
JOIN sessions ON sessions.id = refresh_tokens.session_id
JOIN users ON users.id = sessions.user_id
WHERE refresh_tokens.hash = ?
"""


_ROOMS = """
SELECT rooms.id, homes.id, homes.name FROM rooms JOIN homes ON homes.id = rooms.home_id
"""


def _rooms(rows: list[sqlite3.Row]) -> list[StoredRoom]:
    return [StoredRoom(id=room, home=home, home_name=name) for room, home, name in rows]


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
