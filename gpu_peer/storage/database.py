"""Opens the SQLite file: settings, integrity check, numbered migrations.

Only the Python standard library's `sqlite3` is used, on one thread: see `store`.
"""

import hashlib
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from gpu_peer.errors import StorageDamaged, StorageFailed, StorageForeign

MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_MS = 1_000
_STEP_PAGES = 1024
_STEP_INSTRUCTIONS = 100_000
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
        StorageDamaged: the file is not a sound database.
        StorageForeign: it is one, but not of this version.
        StorageFailed: the system refused.
    """
    with storage_errors(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            for setting in _SETTINGS:
                connection.execute(f"PRAGMA {setting}")
            check_database(connection, path)
            _migrate(connection, path, migrations)
        except BaseException:
            _close_as_it_is(connection, path)
            raise
        return connection


def copy_database(source: Path, target: Path, go_on: Callable[[], bool] = lambda: True) -> None:
    """Copy a database as it is at one moment, its log included, while others write to it.

    Nobody who writes waits for it. `go_on` is asked between small steps; with false it is given up.

    Raises:
        StorageDamaged: the source is not a sound database.
        StorageFailed: the system refused, or `go_on` did.
    """

    def step(_status: int, _left: int, _all: int) -> None:
        if not go_on():
            raise StorageFailed(f"The chats in {source} were not copied to their end.")

    address = f"{source.absolute().as_uri()}?mode=rw"
    with (
        storage_errors(source),
        closing(sqlite3.connect(address, uri=True, isolation_level=None)) as there,
        closing(sqlite3.connect(target)) as here,
    ):
        # One moment for all steps: without it every write of others would have it begin again.
        there.execute("BEGIN")
        there.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        there.backup(here, pages=_STEP_PAGES, progress=step)
        there.execute("COMMIT")
        # What others deleted meanwhile could not leave the log beside the file. Not to be waited
        # for: nobody could write until then.
        there.execute("PRAGMA busy_timeout = 0")
        there.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        here.set_progress_handler(lambda: not go_on(), _STEP_INSTRUCTIONS)
        check_database(here, source)


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


def _close_as_it_is(connection: sqlite3.Connection, path: Path) -> None:
    """Close a file that may be damaged. Its log stays beside it: somebody may save more of both.

    The last one to close would move the log into the file; one who may only read does not.
    """
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as reader,
    ):
        reader.execute("PRAGMA schema_version").fetchone()
        connection.close()
    connection.close()


def check_database(connection: sqlite3.Connection, path: Path) -> None:
    """Look through the whole file.

    Raises:
        StorageDamaged: it is not sound.
        sqlite3.DatabaseError: it is no database at all, or cannot be read.
    """
    if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise StorageDamaged(_damaged(path))


def _damaged(path: Path) -> str:
    return f"The chats in {path} are damaged."


def _migrate(connection: sqlite3.Connection, path: Path, folder: Path) -> None:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations"
        " (number INTEGER PRIMARY KEY, checksum TEXT NOT NULL) STRICT"
    )
    done = dict(connection.execute("SELECT number, checksum FROM migrations"))
    steps = {int(file.name[:4]): file for file in sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))}
    if done.keys() - steps.keys():
        raise StorageForeign(
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
            raise StorageForeign(
                f"The chats in {path} were made by another build of Hearth (step {number})."
            )


def _statements(script: str) -> list[str]:
    """Split a script; `executescript` would commit before it and so break the transaction."""
    without_comments = re.sub(r"--[^\n]*", "", script)
    return [s for s in (part.strip() for part in without_comments.split(";")) if s]
