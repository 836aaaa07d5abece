"""The embedded storage of what a person does to their own account."""

import aiosqlite

from signaling.storage import NO_PASSWORD, StoredSession
from signaling.storage.database import Database

LISTED = 100


class SqliteOwnAccount:
    """Implements `OwnAccountStorage`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sessions(self, user: str, now: float) -> list[StoredSession]:
        """See `OwnAccountStorage`."""
        rows = await self._database.read(_SESSIONS, user, now, LISTED)
        return [
            StoredSession(id=session, client=client, began_at=began_at, used_at=used_at)
            for session, client, began_at, used_at in rows
        ]

    async def end_session(self, user: str, session: str) -> bool:
        """See `OwnAccountStorage`."""
        async with self._database.transaction() as database:
            ended = await database.execute(
                "UPDATE sessions SET revoked = 1 WHERE id = ? AND user_id = ? AND NOT revoked",
                (session, user),
            )
            return ended.rowcount == 1

    async def end_others(self, user: str, kept: str) -> list[str]:
        """See `OwnAccountStorage`."""
        async with self._database.transaction() as database:
            return await _end_others(database, user, kept)

    async def prove(self, session: str, now: float) -> None:
        """See `OwnAccountStorage`."""
        async with self._database.transaction() as database:
            await database.execute("UPDATE sessions SET proved_at = ? WHERE id = ?", (now, session))

    async def has_password(self, user: str) -> bool:
        """See `OwnAccountStorage`."""
        return bool(
            await self._database.read(
                "SELECT 1 FROM users WHERE id = ? AND password_hash <> ?", user, NO_PASSWORD
            )
        )

    async def set_password(self, user: str, password_hash: str, kept: str) -> list[str]:
        """See `OwnAccountStorage`."""
        async with self._database.transaction() as database:
            await database.execute(
                "UPDATE users SET password_hash = ? WHERE id = ?", (password_hash, user)
            )
            return await _end_others(database, user, kept)

    async def drop_password(self, user: str, passkeys: int, kept: str) -> list[str] | None:
        """See `OwnAccountStorage`."""
        async with self._database.transaction() as database:
            dropped = await database.execute(
                "UPDATE users SET password_hash = ? WHERE id = ? "
                "AND (SELECT count(*) FROM passkeys WHERE user_id = users.id) >= ?",
                (NO_PASSWORD, user, passkeys),
            )
            return await _end_others(database, user, kept) if dropped.rowcount else None

    async def delete(self, user: str) -> list[str]:
        """See `OwnAccountStorage`."""
        async with self._database.transaction() as database:
            rows = await database.execute_fetchall(
                "SELECT id FROM sessions WHERE user_id = ?", (user,)
            )
            await database.execute("DELETE FROM users WHERE id = ?", (user,))
        await self._database.forget()
        return [str(session) for (session,) in rows]


async def _end_others(database: aiosqlite.Connection, user: str, kept: str) -> list[str]:
    rows = await database.execute_fetchall(
        "UPDATE sessions SET revoked = 1 WHERE user_id = ? AND id <> ? AND NOT revoked "
        "RETURNING id",
        (user, kept),
    )
    return [str(session) for (session,) in rows]


_SESSIONS = """
SELECT id, client, began_at, rotated_at FROM sessions
WHERE user_id = ? AND NOT revoked AND expires_at > ?
ORDER BY rotated_at DESC, began_at DESC LIMIT ?
"""
