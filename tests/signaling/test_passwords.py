"""argon2id with the parameters that are promised."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from signaling.config import Settings
from signaling.errors import RateLimited
from signaling.passwords import Passwords


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    settings = Settings(_env_file=None)
    passwords = Passwords(settings.password_memory_kib, settings.password_passes)
    yield passwords
    passwords.close()


async def test_a_hash_names_its_parameters_and_verifies(passwords: Passwords) -> None:
    hashed = await passwords.hash("correct horse")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify(hashed, "correct horse")
    assert not await passwords.verify(hashed, "wrong horse")
    assert hashed != await passwords.hash("correct horse")


async def test_nobody_costs_the_same_work(passwords: Passwords, monkeypatch: Any) -> None:
    hashed, checked = await passwords.hash("x" * 8), []
    verify = passwords._hasher.verify

    class Spy:
        def verify(self, known: str, password: str) -> bool:
            checked.append(known.rpartition("$")[0].rpartition("$")[0])
            return verify(known, password)

    monkeypatch.setattr(passwords, "_hasher", Spy())
    assert not await passwords.verify(None, "wrong")
    assert not await passwords.verify(None, "nobody has this password")
    assert not await passwords.verify(hashed, "wrong")
    assert len(checked) == 3
    assert len(set(checked)) == 1


async def test_a_flood_is_refused_instead_of_piling_up(passwords: Passwords) -> None:
    hashes = [asyncio.create_task(passwords.hash(str(i))) for i in range(70)]
    results = await asyncio.gather(*hashes, return_exceptions=True)
    assert sum(isinstance(result, RateLimited) for result in results) == 6
