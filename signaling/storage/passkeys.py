"""The embedded storage of passkeys."""

import sqlite3

from protocol.accounts import User
from signaling.errors import PasskeyRefused, PasskeysNeeded
from signaling.storage import NO_PASSWORD, PasskeyHolder, StoredPasskey
from signaling.storage.database import Database


class SqlitePasskeys:
    """Implements `PasskeyStorage`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def handle_of(self, user: str, fresh: bytes) -> bytes:
        """See `PasskeyStorage`."""
        async with self._database.transaction() as database:
            await database.execute(
                "INSERT OR IGNORE INTO passkey_handles VALUES (?, ?)", (user, fresh)
            )
        rows = await self._database.read(
            "SELECT handle FROM passkey_handles WHERE user_id = ?", user
        )
        return bytes(rows[0][0])

    async def add(self, user: str, passkey: StoredPasskey) -> None:
        """See `PasskeyStorage`."""
        row = (
            passkey.id,
            user,
            passkey.name,
            passkey.public_key,
            passkey.sign_count,
            passkey.created_at,
        )
        async with self._database.transaction() as database:
            try:
                await database.execute("INSERT INTO passkeys VALUES (?, ?, ?, ?, ?, ?, NULL)", row)
            except sqlite3.IntegrityError:
                raise PasskeyRefused from None

    async def of_user(self, user: str) -> list[StoredPasskey]:
        """See `PasskeyStorage`."""
        rows = await self._database.read(_OF_USER, user)
        return [_passkey(*row) for row in rows]

    async def find(self, passkey: bytes) -> PasskeyHolder | None:
        """See `PasskeyStorage`."""
        rows = await self._database.read(_FIND, passkey)
        for user, name, handle, *row in rows:
            return PasskeyHolder(
                user=User(id=user, name=name), handle=handle, passkey=_passkey(*row)
            )
        return None

    async def use(self, passkey: bytes, sign_count: int, now: float) -> bool:
        """See `PasskeyStorage`."""
        async with self._database.transaction() as database:
            used = await database.execute(
                "UPDATE passkeys SET sign_count = ?1, used_at = ?2 "
                "WHERE id = ?3 AND (sign_count < ?1 OR (sign_count = 0 AND ?1 = 0))",
                (sign_count, now, passkey),
            )
            return used.rowcount == 1

    async def remove(self, user: str, passkey: bytes) -> str | None:
        """See `PasskeyStorage`."""
        async with self._database.transaction() as database:
            rows = await database.execute_fetchall(
                "DELETE FROM passkeys WHERE id = ? AND user_id = ? RETURNING name", (passkey, user)
            )
            if rows and await database.execute_fetchall(_WITHOUT_A_WAY_IN, (user, NO_PASSWORD)):
                raise PasskeysNeeded
            return next((str(name) for (name,) in rows), None)


_OF_USER = """
SELECT id, name, public_key, sign_count, created_at, used_at
FROM passkeys WHERE user_id = ? ORDER BY created_at, id
"""

_WITHOUT_A_WAY_IN = """
SELECT 1 FROM users WHERE id = ? AND password_hash = ?
AND NOT EXISTS (SELECT 1 FROM passkeys WHERE user_id = users.id)
"""

_FIND = """
SELECT users.id, users.name, passkey_handles.handle, passkeys.id, passkeys.name,
       passkeys.public_key, passkeys.sign_count, passkeys.created_at, passkeys.used_at
FROM passkeys
JOIN users ON users.id = passkeys.user_id
JOIN passkey_handles ON passkey_handles.user_id = passkeys.user_id
WHERE passkeys.id = ?
"""


def _passkey(
    passkey: bytes,
    name: str,
    public_key: bytes,
    sign_count: int,
    created_at: float,
    used_at: float | None,
) -> StoredPasskey:
    return StoredPasskey(
        id=passkey,
        name=name,
        public_key=public_key,
        sign_count=sign_count,
        created_at=created_at,
        used_at=used_at,
    )
