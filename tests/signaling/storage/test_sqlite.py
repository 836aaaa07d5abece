"""The embedded storage, on a real file."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.accounts import User
from signaling.errors import (
    DatabaseDamaged,
    DatabaseNewer,
    DataFolderUnusable,
    RoomUnknown,
    StorageFailed,
    UsernameTaken,
)
from signaling.sessions import LIFETIME_S, REMEMBERED
from signaling.storage import Revoked, StoredUser
from signaling.storage.sqlite import SqliteStorage

ANN = StoredUser(user=User(id="u1", name="Ann"), password_hash="hash")


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[SqliteStorage]:
    storage = await SqliteStorage.open(tmp_path / "accounts.sqlite3")
    await storage.create_user(ANN, now=0)
    yield storage
    await storage.close()


async def test_accounts_are_found_in_any_case(storage: SqliteStorage) -> None:
    assert await storage.find_user("aNN") == ANN
    assert await storage.find_user("Bob") is None
    with pytest.raises(UsernameTaken):
        await storage.create_user(StoredUser(user=User(id="u2", name="ANN"), password_hash="h"), 0)


async def test_only_digests_of_tokens_are_on_disk(storage: SqliteStorage, tmp_path: Path) -> None:
    await storage.create_session("s1", "u1", b"digest", now=0)
    with sqlite3.connect(tmp_path / "accounts.sqlite3") as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert database.execute("SELECT hash FROM refresh_tokens").fetchall() == [(b"digest",)]
    database.close()


async def test_a_revoked_or_expired_session_is_not_live(storage: SqliteStorage) -> None:
    await storage.create_session("s1", "u1", b"t1", now=0)
    assert await storage.is_live("s1", now=LIFETIME_S - 1)
    assert not await storage.is_live("s1", now=LIFETIME_S)
    assert await storage.revoke(b"t1") == "s1"
    assert not await storage.is_live("s1", now=0)
    assert await storage.revoke(b"unknown") is None


async def test_expired_sessions_are_dropped_with_their_tokens(storage: SqliteStorage) -> None:
    await storage.create_session("s1", "u1", b"t1", now=0)
    await storage.create_session("s2", "u1", b"t2", now=LIFETIME_S)
    assert await storage.revoke(b"t1") is None
    assert await storage.revoke(b"t2") == "s2"


async def test_old_generations_are_forgotten_one_day_later(storage: SqliteStorage) -> None:
    await storage.create_session("s1", "u1", b"0", now=0)
    for number in range(REMEMBERED + 1):
        assert await storage.rotate(b"%d" % number, b"%d" % (number + 1), now=number * 300)
    assert await storage.rotate(b"0", b"x", now=1e5) is None
    assert await storage.rotate(b"1", b"x", now=1e5) == Revoked(session="s1", reused_of="u1")


async def test_rooms_are_made_once_and_named_by_their_home(storage: SqliteStorage) -> None:
    await storage.ensure_rooms("u1", ["h1"])
    await storage.ensure_rooms("u1", ["h1", "h2"])
    rooms = await storage.rooms_of_user("u1")
    assert sorted(room.home for room in rooms) == ["h1", "h2"]
    await storage.name_home("h1", "Kitchen")
    assert [room.home_name for room in await storage.rooms_of_home("h1")] == ["Kitchen"]
    assert {room.id for room in await storage.rooms_of_user("u1")} == {room.id for room in rooms}


async def test_a_refused_write_changes_nothing_and_the_next_one_works(
    storage: SqliteStorage,
) -> None:
    with pytest.raises(StorageFailed):
        await storage.create_session("s1", "nobody", b"t1", now=0)
    assert await storage.revoke(b"t1") is None
    await storage.create_session("s1", "u1", b"t1", now=0)


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "accounts.sqlite3"
    path.write_bytes(b"this is not a database, " * 100)
    before = path.read_bytes()
    with pytest.raises(DatabaseDamaged, match="backup"):
        await SqliteStorage.open(path)
    assert path.read_bytes() == before


async def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "accounts.sqlite3"
    await (await SqliteStorage.open(path)).close()
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO migrations VALUES (9999, '9999_future.sql', 'x')")
    database.close()
    with pytest.raises(DatabaseNewer):
        await SqliteStorage.open(path)


async def test_a_path_that_cannot_be_opened_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataFolderUnusable, match="permissions"):
        await SqliteStorage.open(tmp_path / "missing" / "accounts.sqlite3")


async def test_a_home_vouches_for_its_own_rooms_only(storage: SqliteStorage) -> None:
    await storage.ensure_rooms("u1", ["h1", "h2"])
    mine, other = sorted(await storage.rooms_of_user("u1"), key=lambda room: room.home)
    await storage.vouch(mine.id, "h1", 5.0)
    for room, home in ((other.id, "h1"), ("nowhere", "h1"), (mine.id, "")):
        with pytest.raises(RoomUnknown):
            await storage.vouch(room, home, 9.0)
    assert [r.vouched_at for r in await storage.rooms_of_user("u1")].count(5.0) == 1
    assert (await storage.rooms_of_home("h2"))[0].vouched_at == 0


async def test_an_owner_gets_one_account_whatever_they_are_called_later(
    storage: SqliteStorage,
) -> None:
    anna = User(id="u9", name="Anna")
    assert await storage.owner_of("h1", anna, 1.0) == anna
    assert await storage.owner_of("h1", User(id="u8", name="Bella"), 2.0) == anna
    with pytest.raises(UsernameTaken):
        await storage.owner_of("h2", User(id="u7", name="ANNA"), 2.0)
    stored = await storage.find_user("anna")
    assert stored is not None
    assert stored.password_hash is None
    await storage.own_account.delete("u9")
    assert await storage.owner_of("h1", User(id="u6", name="Anna"), 3.0) == User(
        id="u6", name="Anna"
    )
