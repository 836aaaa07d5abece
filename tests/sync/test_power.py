"""The loss of power that the simulator has: what was synced stays, and nothing else is sure."""

import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from tests.sync.power import NAME, Synced, register, watch

SEEDS = range(20)


def words(folder: Path) -> list[str] | None:
    """Of the database there; None where SQLite cannot read it."""
    try:
        with closing(sqlite3.connect(folder / "words")) as database:
            return [word for (word,) in database.execute("SELECT word FROM words")]
    except sqlite3.DatabaseError:
        return None


def lost(folder: Path, seed: int, synchronous: str) -> list[str] | None:
    """Write a word that was synced, another with that setting, and lose the power."""
    folder.mkdir()
    path = folder / "words"
    with closing(sqlite3.connect(f"{path.as_uri()}?vfs={NAME}", uri=True)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE words (word TEXT)")
        synced = Synced(path, Random(seed))
        watch(synced.names, synced.take)
        with database:
            database.execute("INSERT INTO words VALUES ('kept')")
        database.execute(f"PRAGMA synchronous = {synchronous}")
        with database:
            database.execute("INSERT INTO words VALUES ('last')")
        left = synced.left()
        watch((), synced.take)
    for name, content in left.items():
        Path(name).write_bytes(content)
    return words(folder)


@pytest.fixture(autouse=True)
def watched() -> None:
    if not register():
        pytest.skip("SQLite is built into this Python and cannot be watched")


def test_what_was_synced_outlives_a_loss_of_power(tmp_path: Path) -> None:
    left = [lost(tmp_path / str(seed), seed, "FULL") for seed in SEEDS]

    assert left == [["kept", "last"]] * len(SEEDS)


def test_what_was_only_written_is_lost_in_some_of_them(tmp_path: Path) -> None:
    left = [lost(tmp_path / str(seed), seed, "OFF") for seed in SEEDS]

    assert ["kept"] in left
    assert all(there is not None and there[0] == "kept" for there in left)
