"""Numbered changes of the database, applied in order, each once and never changed afterwards."""

import hashlib
import sqlite3
from importlib import resources

import msgspec

from signaling.errors import DatabaseNewer, MigrationChanged

_TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL
) STRICT
"""


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """One step: its number, the name of its file, and its SQL."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """The checksum that is recorded, the same whatever ends the lines of the checkout."""
        return hashlib.sha256(self.sql.replace("\r\n", "\n").encode()).hexdigest()


def shipped() -> list[Migration]:
    """Give the migrations of this version, in order."""
    files = [f for f in resources.files(__name__).iterdir() if f.name.endswith(".sql")]
    return [
        Migration(number=int(file.name[:4]), name=file.name, sql=file.read_text("utf-8"))
        for file in sorted(files, key=lambda file: file.name)
    ]


def apply(database: sqlite3.Connection, migrations: list[Migration]) -> None:
    """Bring a database, opened with `isolation_level=None`, up to date.

    Each step is one transaction: a crash leaves it done or not begun.

    Raises:
        DatabaseNewer: the database went through a step that this version does not know.
        MigrationChanged: a step it went through is not the one of this version.
    """
    database.execute(_TABLE)
    done = dict(database.execute("SELECT number, sha256 FROM migrations"))
    known = {migration.number: migration for migration in migrations}
    for number, sha256 in done.items():
        if number not in known:
            raise DatabaseNewer(
                "The database of accounts was written by a newer Hearth. Update Hearth."
            )
        if known[number].sha256 != sha256:
            raise MigrationChanged(
                f"The migration {known[number].name} is not the one this database went through. "
                "Install the version of Hearth that made the database, or restore that file."
            )
    for migration in migrations:
        if migration.number not in done:
            _apply_one(database, migration)


def _apply_one(database: sqlite3.Connection, migration: Migration) -> None:
    database.execute("BEGIN IMMEDIATE")
    try:
        for statement in _statements(migration.sql):
            database.execute(statement)
        database.execute(
            "INSERT INTO migrations VALUES (?, ?, ?)",
            (migration.number, migration.name, migration.sha256),
        )
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _statements(sql: str) -> list[str]:
    """Split, since `executescript` would commit the transaction it is called in."""
    statements, pending = [], ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    return [*statements, pending] if pending.strip() else statements
