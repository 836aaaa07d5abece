"""The embedded storage of accounts, sessions and rooms."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

import aiosqlite

from protocol.accounts import User
from signaling.errors import PasskeyRefused, RoomUnknown, UsernameTaken, WrongCredentials
from signaling.sessions import LIFETIME_S, REMEMBERED, Verdict, judge
from signaling.storage import NO_PASSWORD, Revoked, Rotated, StoredRoom, StoredUser, WayIn
from signaling.storage.database import Database
from signaling.storage.notices import SqliteNotices
from signaling.storage.own_account import SqliteOwnAccount
from signaling.storage.passkeys import SqlitePasskeys

UNNAMED_HOME = "Home"
"""What a home is called before it connected for the first time."""


class SqliteStorage:
    """Implements `Storage`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.passkeys = SqlitePasskeys(database)
        self.own_account = SqliteOwnAccount(database)
        self.notices = SqliteNotices(database)

    @classmethod
    async def open(cls, path: Path) -> "SqliteStorage":
        """Open the database, made and migrated as needed.

        Raises:
            DatabaseDamaged, DatabaseNewer, MigrationChanged: the file is no use to this version.
            DataFolderUnusable, DiskFull: it cannot be written.
        """
        return cls(await Database.open(path))

    async def create_user(self, stored: StoredUser, now: float) -> None:
        """See `Storage`."""
        user = stored.user
        password_hash = stored.password_hash or NO_PASSWORD
        row = (user.id, user.name, user.name.casefold(), password_hash, now)
        async with self._database.transaction() as database:
            try:
                await database.execute(_ADD_USER, row)
            except sqlite3.IntegrityError:
                raise UsernameTaken from None

    async def find_user(self, name: str) -> StoredUser | None:
        """See `Storage`."""
        rows = await self._database.read(
            "SELECT id, name, password_hash FROM users WHERE folded_name = ?", name.casefold()
        )
        for user, shown, password_hash in rows:
            user = User(id=user, name=shown)
            return StoredUser(user=user, password_hash=password_hash or None)
        return None

    async def create_session(
        self,
        session: str,
        user: str,
        token: bytes,
        now: float,
        client: str = "",
        way_in: WayIn | None = None,
    ) -> None:
        """See `Storage`."""
        async with self._database.transaction() as database:
            if way_in:
                await _see_that_it_still_opens(database, user, way_in)
            await database.execute("DELETE FROM sessions WHERE expires_at <= ?", (now,))
            await database.execute(_BEGIN, (session, user, now, now + LIFETIME_S, client))
            await database.execute("INSERT INTO refresh_tokens VALUES (?, ?, 0)", (token, session))

    async def rotate(self, token: bytes, fresh: bytes, now: float) -> Rotated | Revoked | None:
        """See `Storage`."""
        async with self._database.transaction() as database:
            rows = await database.execute_fetchall(_SESSION_BY_REFRESH, (token,))
            for session, revoked, mine, newest, rotated_at, expires_at, user, name in rows:
                if revoked:
                    return Revoked(session=session)
                if expires_at <= now:
                    return None
                verdict = judge(mine, newest, rotated_at, now)
                if verdict is Verdict.REVOKE:
                    await _revoke(database, session)
                    return Revoked(session=session, reused_of=user)
                if verdict is Verdict.ROTATE:
                    newest += 1
                    await _begin_generation(database, session, newest, now)
                await database.execute(
                    "INSERT INTO refresh_tokens VALUES (?, ?, ?)", (fresh, session, newest)
                )
                return Rotated(session=session, user=User(id=user, name=name))
            return None

    async def session_of(self, token: bytes) -> str | None:
        """See `Storage`."""
        rows = await self._database.read(
            "SELECT session_id FROM refresh_tokens WHERE hash = ?", token
        )
        return str(rows[0][0]) if rows else None

    async def revoke(self, token: bytes) -> str | None:
        """See `Storage`."""
        async with self._database.transaction() as database:
            rows = await database.execute_fetchall(
                "SELECT session_id FROM refresh_tokens WHERE hash = ?", (token,)
            )
            for (session,) in rows:
                await _revoke(database, session)
                return str(session)
            return None

    async def is_live(self, session: str, now: float) -> bool:
        """See `Storage`."""
        return bool(
            await self._database.read(
                "SELECT 1 FROM sessions WHERE id = ? AND NOT revoked AND expires_at > ?",
                session,
                now,
            )
        )

    async def proved_at(self, session: str) -> float | None:
        """See `Storage`."""
        rows = await self._database.read("SELECT proved_at FROM sessions WHERE id = ?", session)
        return float(rows[0][0]) if rows else None

    async def ensure_rooms(self, user: str, homes: Iterable[str]) -> None:
        """See `Storage`."""
        async with self._database.transaction() as database:
            for home in homes:
                await database.execute(
                    "INSERT OR IGNORE INTO homes (id, name) VALUES (?, ?)", (home, UNNAMED_HOME)
                )
                await database.execute(
                    "INSERT OR IGNORE INTO rooms (id, user_id, home_id) "
                    "VALUES (lower(hex(randomblob(16))), ?, ?)",
                    (user, home),
                )

    async def rooms_of_user(self, user: str) -> list[StoredRoom]:
        """See `Storage`."""
        return _rooms(await self._database.read(_ROOMS + "WHERE rooms.user_id = ?", user))

    async def rooms_of_home(self, home: str) -> list[StoredRoom]:
        """See `Storage`."""
        return _rooms(await self._database.read(_ROOMS + "WHERE rooms.home_id = ?", home))

    async def name_home(self, home: str, name: str) -> None:
        """See `Storage`."""
        async with self._database.transaction() as database:
            await database.execute(
                "INSERT INTO homes (id, name) VALUES (?, ?) "
                "ON CONFLICT (id) DO UPDATE SET name = excluded.name",
                (home, name),
            )

    async def vouch(self, room: str, home: str, now: float) -> None:
        """See `Storage`."""
        async with self._database.transaction() as database:
            vouched = await database.execute(
                "UPDATE rooms SET vouched_at = ? WHERE id = ? AND home_id = ?", (now, room, home)
            )
            if not vouched.rowcount:
                raise RoomUnknown

    async def owner_of(self, home: str, fresh: User, now: float) -> User:
        """See `Storage`."""
        async with self._database.transaction() as database:
            for user, name in await database.execute_fetchall(_OWNER, (home,)):
                return User(id=user, name=name)
            row = (fresh.id, fresh.name, fresh.name.casefold(), NO_PASSWORD, now)
            try:
                await database.execute(_ADD_USER, row)
            except sqlite3.IntegrityError:
                raise UsernameTaken from None
            await database.execute(
                "INSERT INTO homes (id, name, owner_id) VALUES (?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET owner_id = excluded.owner_id",
                (home, UNNAMED_HOME, fresh.id),
            )
            return fresh

    async def check(self) -> None:
        """See `Storage`."""
        await self._database.read("SELECT 1 FROM migrations")

    async def close(self) -> None:
        """See `Storage`."""
        await self._database.close()


_ADD_USER = """
INSERT INTO users (id, name, folded_name, password_hash, created_at) VALUES (?, ?, ?, ?, ?)
"""


_OWNER = """
SELECT users.id, users.name FROM homes JOIN users ON users.id = homes.owner_id WHERE homes.id = ?
"""


# A new session takes over how far notices were seen: what came since is told in it.
_BEGIN = """
INSERT INTO sessions (
    id, user_id, generation, rotated_at, expires_at, began_at, proved_at, client, noticed_at
)
VALUES (
    ?1, ?2, 0, ?3, ?4, ?3, ?3, ?5,
    coalesce((SELECT max(noticed_at) FROM sessions WHERE user_id = ?2), 0)
)
"""


_SESSION_BY_REFRESH = """
SELECT sessions.id, sessions.revoked, refresh_tokens.generation, sessions.generation,
       sessions.rotated_at, sessions.expires_at, users.id, users.name
FROM refresh_tokens
JOIN sessions ON sessions.id = refresh_tokens.session_id
JOIN users ON users.id = sessions.user_id
WHERE refresh_tokens.hash = ?
"""


_ROOMS = """
SELECT rooms.id, homes.id, homes.name, rooms.vouched_at
FROM rooms JOIN homes ON homes.id = rooms.home_id
"""


def _rooms(rows: list[sqlite3.Row]) -> list[StoredRoom]:
    return [
        StoredRoom(id=room, home=home, home_name=name, vouched_at=vouched_at)
        for room, home, name, vouched_at in rows
    ]


async def _see_that_it_still_opens(
    database: aiosqlite.Connection, user: str, way_in: WayIn
) -> None:
    if way_in.password_hash is not None and not await database.execute_fetchall(
        "SELECT 1 FROM users WHERE id = ? AND password_hash = ?", (user, way_in.password_hash)
    ):
        raise WrongCredentials
    if way_in.passkey is not None and not await database.execute_fetchall(
        "SELECT 1 FROM passkeys WHERE user_id = ? AND id = ?", (user, way_in.passkey)
    ):
        raise PasskeyRefused


async def _revoke(database: aiosqlite.Connection, session: str) -> None:
    await database.execute("UPDATE sessions SET revoked = 1 WHERE id = ?", (session,))


async def _begin_generation(
    database: aiosqlite.Connection, session: str, newest: int, now: float
) -> None:
    await database.execute(
        "UPDATE sessions SET generation = ?, rotated_at = ?, expires_at = ? WHERE id = ?",
        (newest, now, now + LIFETIME_S, session),
    )
    await database.execute(
        "DELETE FROM refresh_tokens WHERE session_id = ? AND generation < ?",
        (session, newest - REMEMBERED),
    )
