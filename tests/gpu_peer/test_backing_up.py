"""The running home makes its backups."""

import asyncio
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gpu_peer.backing_up import EVERY_S, backing_up
from gpu_peer.errors import BackupFailed
from gpu_peer.storage import database
from gpu_peer.storage.backups import Backups
from gpu_peer.storage.database import open_database
from tests.gpu_peer.support.chats import delete, write
from tests.gpu_peer.support.virtual_clock import VirtualClock


class Looking(VirtualClock):
    """Says when the home has looked and goes to sleep."""

    def __init__(self) -> None:
        super().__init__()
        self._asleep = asyncio.Event()

    async def sleep(self, delay_s: float) -> None:
        self._asleep.set()
        await super().sleep(delay_s)

    async def looked(self) -> None:
        async with asyncio.timeout(20):
            await self._asleep.wait()
        self._asleep.clear()


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    path = tmp_path / "chats.sqlite3"
    write(path, "first")
    return path


async def test_one_a_day_while_it_runs_and_deleted_text_leaves_them_within_an_hour(
    chats: Path,
) -> None:
    clock, kept = Looking(), Backups(chats)
    write(chats, "a great secret", chat="secret")
    async with backing_up(chats, clock):
        await clock.looked()
        (first,) = kept.all()
        with closing(open_database(chats)) as db:
            delete(db, "secret")
        assert b"a great secret" in first.path.read_bytes()
        clock.advance(EVERY_S)
        await clock.looked()
        assert kept.all() == [first]
        assert b"a great secret" not in first.path.read_bytes()
        write(chats, "since then")
        for _ in range(23):
            assert len(kept.all()) == 1
            clock.advance(EVERY_S)
            await clock.looked()
        assert len(kept.all()) == 2


async def test_one_that_fails_is_told_and_tried_again(chats: Path) -> None:
    clock = Looking()
    (chats.parent / "backups").write_text("")
    with capture_logs() as logs:
        async with backing_up(chats, clock):
            await clock.looked()
            assert [entry["event"] for entry in logs] == ["backup_failed"]
            assert "File exists" in logs[0]["reason"]
            (chats.parent / "backups").unlink()
            clock.advance(EVERY_S)
            await clock.looked()
    assert len(Backups(chats).all()) == 1


async def test_deleted_text_leaves_the_backups_though_no_new_one_can_be_made(
    chats: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(chats, "a great secret", chat="secret")
    made = Backups(chats).make_if_due(datetime(2020, 1, 1, tzinfo=UTC), lambda: True)
    assert made is not None
    with closing(open_database(chats)) as db:
        delete(db, "secret")

    def refuse(*_: object) -> None:
        raise BackupFailed("There is no room.")

    monkeypatch.setattr(Backups, "make_if_due", refuse)
    clock = Looking()
    with capture_logs() as logs:
        async with backing_up(chats, clock):
            await clock.looked()
    assert [entry["event"] for entry in logs] == [
        "backup_failed",
        "deleted_chats_taken_out_of_backups",
    ]
    assert b"a great secret" not in made.path.read_bytes()


async def test_a_home_that_ends_waits_for_no_copy(
    chats: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_STEP_PAGES", 1)
    write(chats, *("x" * 5000 for _ in range(20)))
    loop, begun = asyncio.get_running_loop(), asyncio.Event()
    copy = database.copy_database

    def copied(source: Path, target: Path, go_on: object = None) -> None:
        loop.call_soon_threadsafe(begun.set)

        def asked() -> bool:
            # Without being told to stop it would never end.
            while go_on():  # type: ignore[operator]
                pass
            return False

        copy(source, target, asked)

    monkeypatch.setattr("gpu_peer.storage.backups.copy_database", copied)
    async with backing_up(chats, Looking()):
        await begun.wait()
    assert not list((chats.parent / "backups").iterdir())
