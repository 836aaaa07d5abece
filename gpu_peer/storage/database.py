"""Opens the SQLite file: settings, integrity check, numbered migrations.

Only the Python standard library's `sqlite3` is used, on one thread: see `store`.
"""

import hashlib
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from gpu_peer.errors import StorageDamaged, StorageFailed

MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_MS = 1_000
_SETTINGS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "secure_delete = ON",
    "foreign_keys = ON",
    f"busy_timeout = {_BUSY_MS}",
)


def open_database(path: Path, migrations: Path = MIGRATIONS) -> sqlite3.Connection:
    """Open the database, make it when there is none, and bring it to the newest schema.

    Raises:
        StorageDamaged: the file is not a sound database, or not one of this version.
        StorageFailed: the system refused.
    """
    with storage_errors(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            for setting in _SETTINGS:
                connection.execute(f"PRAGMA {setting}")
            _check(connection, path)
            _migrate(connection, path, migrations)
        except BaseException:
            connection.close()
            raise
        return connection


def copy_database(source: Path, target: Path) -> None:
    """Copy a database as it is at one moment, its log included, while others write to it.

    Raises:
        StorageDamaged: the source is not a sound database.
        StorageFailed: the system refused.
    """
    with (
        storage_errors(source),
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True)) as there,
        closing(sqlite3.connect(target)) as here,
    ):
        there.backup(here)
        _check(here, source)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system raise inside the block into `StorageError`s about `path`."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StorageFailed(f"The chats in {path} cannot be read or written: {error}.") from None
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.IntegrityError):
            raise
        raise StorageDamaged(_damaged(path)) from None
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise StorageFailed(f"The chats in {path} cannot be read or written: {why}.") from None


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of the block's changes reach the disk, or none of them."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # After a full disk SQLite may have rolled back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _check(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise StorageDamaged(_damaged(path))


def _damaged(path: Path) -> str:
    return f"The chats in {path} are damaged. Move the file away, or put it back from a backup."


def _migrate(connection: sqlite3.Connection, path: Path, folder: Path) -> None:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations"
        " (number INTEGER PRIMARY KEY, checksum TEXT NOT NULL) STRICT"
    )
    done = dict(connection.execute("SELECT number, checksum FROM migrations"))
    steps = {int(file.name[:4]): file for file in sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))}
    if done.keys() - steps.keys():
        raise StorageDamaged(
            f"The chats in {path} were written by a newer Hearth. Update this one."
        )
    for number, file in steps.items():
        script = file.read_text(encoding="utf-8")
        checksum = hashlib.sha256(script.encode()).hexdigest()
        if number not in done:
            with transaction(connection):
                for statement in _statements(script):
                    connection.execute(statement)
                connection.execute("INSERT INTO migrations VALUES (?, ?)", (number, checksum))
        elif done[number] != checksum:
            raise StorageDamaged(
                f"The chats in {path} were made by another build of Hearth (step {number})."
            )


def _statements(script: str) -> list[str]:
    """Split a script; `executescript` would commit before it and so break the transaction."""
    without_comments = re.sub(r"--[^\n]*", "", script)
    return [s for s in (part.strip() for part in without_comments.split(";")) if s]
