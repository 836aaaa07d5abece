"""Changes of the database: in order, once, whole or not at all."""

import contextlib
import sqlite3
from collections.abc import Iterator

import pytest

from signaling.errors import DatabaseNewer, MigrationChanged
from signaling.storage.migrations import Migration, apply, shipped

FIRST = Migration(number=1, name="0001_a.sql", sql="CREATE TABLE a (x);\n-- why; because\n")
SECOND = Migration(
    number=2, name="0002_b.sql", sql="CREATE TABLE b (x);\nINSERT INTO a\nVALUES (1);"
)


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        yield database


def tables(database: sqlite3.Connection) -> set[str]:
    return {
        name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }


def test_each_is_applied_once(database: sqlite3.Connection) -> None:
    apply(database, [FIRST])
    apply(database, [FIRST, SECOND])
    apply(database, [FIRST, SECOND])
    assert tables(database) == {"migrations", "a", "b"}
    assert database.execute("SELECT count(*) FROM a").fetchone() == (1,)


def test_a_changed_one_is_refused(database: sqlite3.Connection) -> None:
    apply(database, [FIRST])
    changed = Migration(number=1, name="0001_a.sql", sql="CREATE TABLE a (y);")
    with pytest.raises(MigrationChanged, match=r"0001_a\.sql"):
        apply(database, [changed, SECOND])
    assert "b" not in tables(database)


def test_line_ends_of_a_checkout_are_no_change(database: sqlite3.Connection) -> None:
    apply(database, [FIRST])
    apply(database, [Migration(number=1, name="0001_a.sql", sql=FIRST.sql.replace("\n", "\r\n"))])


def test_a_database_of_the_future_is_refused(database: sqlite3.Connection) -> None:
    apply(database, [FIRST, SECOND])
    with pytest.raises(DatabaseNewer, match="Update"):
        apply(database, [FIRST])


def test_one_that_fails_in_the_middle_leaves_nothing(database: sqlite3.Connection) -> None:
    broken = Migration(
        number=2, name="0002_b.sql", sql="CREATE TABLE b (x);\nINSERT INTO nowhere VALUES (1);"
    )
    with pytest.raises(sqlite3.OperationalError):
        apply(database, [FIRST, broken])
    assert tables(database) == {"migrations", "a"}
    apply(database, [FIRST, SECOND])


def test_the_shipped_ones_are_numbered_without_gaps(database: sqlite3.Connection) -> None:
    migrations = shipped()
    assert [migration.number for migration in migrations] == list(range(1, len(migrations) + 1))
    apply(database, migrations)
    assert {"users", "sessions", "refresh_tokens", "homes", "rooms"} <= tables(database)


def test_sessions_of_before_go_on_and_may_change_nothing_unproved(
    database: sqlite3.Connection,
) -> None:
    apply(database, shipped()[:2])
    database.execute("INSERT INTO users VALUES ('u1', 'Ann', 'ann', 'hash', 1)")
    database.execute("INSERT INTO sessions VALUES ('s1', 'u1', 4, 50, 900, 0)")
    apply(database, shipped())
    (row,) = database.execute(
        "SELECT generation, began_at, proved_at, client, noticed_at FROM sessions"
    )
    assert row == (4, 50.0, 0.0, "", 0.0)
