"""Logs whose place a restored one took, so that devices know what of theirs it lacks."""

import sqlite3

Lineage = dict[tuple[str, str], int]
"""Of users and logs of theirs: the number up to which a log is the same as the one of today."""


def lineage(db: sqlite3.Connection) -> Lineage:
    """Give those that came before, and each log of today with all it has."""
    before = db.execute("SELECT user, log, common FROM ancestors")
    today = db.execute("SELECT id, log, head FROM users WHERE log IS NOT NULL")
    return {(user, log): common for rows in (before, today) for user, log, common in rows}


def begin_new_log(db: sqlite3.Connection, replaced: Lineage | None = None) -> None:
    """Have every user's log get a new id: an older one takes the place of the one devices know.

    Their numbers would begin to mean something else from here on. So each device drops what it has
    and loads the log anew, but for what was said after the two parted, which is nowhere else. To be
    called before anything is added to the older log, with the lineage of the `replaced` ones where
    that can be read. Inside a transaction or not.
    """
    known = lineage(db)
    for (user, log), common in _shared(replaced or {}, known).items():
        known.setdefault((user, log), common)
    db.executemany(
        "INSERT OR REPLACE INTO ancestors (user, log, common)"
        " SELECT id, ?2, ?3 FROM users WHERE id = ?1",
        [(user, log, common) for (user, log), common in known.items()],
    )
    db.execute("UPDATE users SET log = NULL")


def begin_another_log(db: sqlite3.Connection, user: str, log: str, common: int) -> None:
    """Have one user's log get a new id: a device has seen what is not in it.

    So an older copy of the file took its place, and nobody said so. Up to number `common` the log
    surely is what the device has seen. Inside a transaction.
    """
    found = db.execute("UPDATE users SET log = NULL WHERE id = ? AND log = ?", (user, log))
    if found.rowcount:
        db.execute("INSERT OR REPLACE INTO ancestors VALUES (?, ?, ?)", (user, log, common))


def _shared(replaced: Lineage, known: Lineage) -> Lineage:
    """Give how far each of the replaced is the same as ours: as far as both are as a third is."""
    parted: dict[str, int] = {}
    for one in replaced.keys() & known.keys():
        common = min(replaced[one], known[one])
        parted[one[0]] = max(common, parted.get(one[0], 0))
    return {one: min(common, parted.get(one[0], 0)) for one, common in replaced.items()}
