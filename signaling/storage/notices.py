"""The embedded storage of notices."""

from signaling.storage import StoredNotice
from signaling.storage.database import Database

KEPT_OF_A_KIND = 5
"""So many of each kind: a flood of one cannot push the others out."""

MERGED_S = 86_400
_MERGED = ("wrong_password", "token_reused")


class SqliteNotices:
    """Implements `NoticeStorage`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, user: str, notice: StoredNotice) -> None:
        """See `NoticeStorage`."""
        row = (
            user,
            notice.kind,
            notice.subject,
            notice.count,
            notice.first_at,
            notice.last_at,
            notice.by_session,
        )
        async with self._database.transaction() as database:
            if notice.kind in _MERGED:
                merged = await database.execute(
                    _MERGE,
                    (notice.count, notice.last_at, user, notice.kind, notice.first_at - MERGED_S),
                )
                if merged.rowcount:
                    return
            await database.execute(_ADD, row)
            await database.execute(_TRIM, (user, notice.kind, user, notice.kind, KEPT_OF_A_KIND))

    async def of_user(self, user: str) -> list[StoredNotice]:
        """See `NoticeStorage`."""
        rows = await self._database.read(_OF_USER, user)
        return [
            StoredNotice(
                kind=kind,
                subject=subject,
                count=count,
                first_at=first_at,
                last_at=last_at,
                by_session=by_session,
            )
            for kind, subject, count, first_at, last_at, by_session in rows
        ]

    async def seen_until(self, session: str) -> float:
        """See `NoticeStorage`."""
        rows = await self._database.read("SELECT noticed_at FROM sessions WHERE id = ?", session)
        return float(rows[0][0]) if rows else 0.0

    async def see(self, session: str, now: float) -> None:
        """See `NoticeStorage`."""
        async with self._database.transaction() as database:
            await database.execute(
                "UPDATE sessions SET noticed_at = ? WHERE id = ?", (now, session)
            )


_MERGE = """
UPDATE notices SET count = count + ?, last_at = ?
WHERE id = (SELECT max(id) FROM notices WHERE user_id = ? AND kind = ? AND first_at > ?)
"""

_ADD = """
INSERT INTO notices (user_id, kind, subject, count, first_at, last_at, by_session)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""

_TRIM = """
DELETE FROM notices WHERE user_id = ? AND kind = ? AND id NOT IN (
    SELECT id FROM notices WHERE user_id = ? AND kind = ? ORDER BY id DESC LIMIT ?
)
"""

_OF_USER = """
SELECT kind, subject, count, first_at, last_at, by_session
FROM notices WHERE user_id = ? ORDER BY last_at DESC, id DESC
"""
