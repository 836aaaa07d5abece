"""The embedded storage of passkeys, on a real file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.accounts import User
from signaling.errors import PasskeyRefused, StorageFailed
from signaling.storage import PasskeyHolder, StoredPasskey, StoredUser
from signaling.storage.passkeys import SqlitePasskeys
from signaling.storage.sqlite import SqliteStorage

ANN, BOB = User(id="u1", name="Ann"), User(id="u2", name="Bob")
KEY = StoredPasskey(id=b"k1", name="Phone", public_key=b"cose", sign_count=3, created_at=7.0)


@pytest.fixture
async def passkeys(tmp_path: Path) -> AsyncIterator[SqlitePasskeys]:
    storage = await SqliteStorage.open(tmp_path / "accounts.sqlite3")
    for user in (ANN, BOB):
        await storage.create_user(StoredUser(user=user, password_hash="hash"), now=0)
    yield storage.passkeys
    await storage.close()


async def test_a_handle_is_given_once(passkeys: SqlitePasskeys) -> None:
    assert await passkeys.handle_of("u1", b"first") == b"first"
    assert await passkeys.handle_of("u1", b"second") == b"first"
    assert await passkeys.handle_of("u2", b"third") == b"third"
    with pytest.raises(StorageFailed):
        await passkeys.handle_of("nobody", b"fourth")


async def test_a_passkey_is_found_with_its_holder(passkeys: SqlitePasskeys) -> None:
    await passkeys.handle_of("u1", b"handle")
    await passkeys.add("u1", KEY)
    assert await passkeys.find(b"k1") == PasskeyHolder(user=ANN, handle=b"handle", passkey=KEY)
    assert await passkeys.find(b"k2") is None
    assert await passkeys.of_user("u1") == [KEY]
    assert await passkeys.of_user("u2") == []


async def test_an_id_belongs_to_one_person(passkeys: SqlitePasskeys) -> None:
    await passkeys.add("u1", KEY)
    with pytest.raises(PasskeyRefused):
        await passkeys.add("u2", KEY)
    await passkeys.remove("u2", b"k1")
    assert await passkeys.of_user("u1") == [KEY]
    await passkeys.remove("u1", b"k1")
    assert await passkeys.of_user("u1") == []


@pytest.mark.parametrize(
    ("before", "count", "used"),
    [(3, 4, True), (3, 90, True), (3, 3, False), (3, 2, False), (3, 0, False), (0, 0, True)],
)
async def test_a_count_only_grows(
    passkeys: SqlitePasskeys, before: int, count: int, used: bool
) -> None:
    await passkeys.add(
        "u1", StoredPasskey(id=b"k", name="", public_key=b"", sign_count=before, created_at=0)
    )
    assert await passkeys.use(b"k", count, now=9.0) is used
    (stored,) = await passkeys.of_user("u1")
    expected = (count, 9.0) if used else (before, None)
    assert (stored.sign_count, stored.used_at) == expected
