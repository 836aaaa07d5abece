"""What one session and one address may ask in a while."""

from typing import Any


async def status(response: Any) -> int:
    return int(response.status)


async def test_a_session_refreshes_only_so_often(start: Any) -> None:
    vds = await start(limit_requests_per_session=3)
    ann = await vds.person("Ann")
    other = await vds.log_in("Ann", "correct horse battery")
    assert [await status(await ann.refresh()) for _ in range(4)] == [200, 200, 200, 429]
    cookie = other.cookies["hearth"].value
    assert (await vds.post("/api/session/refresh", cookie=cookie)).status == 200
    vds.time.pass_by(100)
    assert (await ann.refresh()).status == 200


async def test_a_refused_refresh_costs_no_token(start: Any) -> None:
    vds = await start(limit_requests_per_session=1)
    ann = await vds.person("Ann")
    assert (await ann.refresh()).status == 200
    kept = ann.cookie
    assert [await status(await ann.refresh(kept)) for _ in range(3)] == [429] * 3
    vds.time.pass_by(300)
    assert (await ann.refresh(kept)).status == 200


async def test_an_address_refreshes_only_so_often_over_all_sessions(start: Any) -> None:
    vds = await start(limit_requests_per_address=2)
    ann, bob = await vds.person("Ann"), await vds.person("Bob")
    answers = [await status(await person.refresh()) for person in (ann, bob, ann)]
    assert answers == [200, 200, 429]
    guesses = [await vds.post("/api/session/refresh", cookie=f"guess{i}") for i in range(2)]
    assert [guess.status for guess in guesses] == [429, 429]


async def test_a_session_asks_only_so_often_with_its_token(start: Any) -> None:
    vds = await start(limit_requests_per_session=2)
    ann = await vds.person("Ann")
    asked = [await vds.get("/api/passkeys", Authorization=f"Bearer {ann.token}") for _ in range(3)]
    assert [answer.status for answer in asked] == [200, 200, 429]
