"""What a person is told about their account, and what nobody can hide from them."""

from typing import Any

import pytest

from signaling.storage.notices import KEPT_OF_A_KIND
from tests.signaling.authenticator import Authenticator, base64url
from tests.signaling.http.test_own_account import ORIGIN, OTHER, PASSWORD, Page, log_in

DAY = 86_400


@pytest.fixture
async def ann(vds: Any) -> Page:
    return Page(vds, (await vds.person("Ann")).token)


async def notices(page: Page) -> Any:
    response = await page.ask("GET", "/api/account/notices")
    assert response.status == 200, await response.text()
    return (await response.json())["notices"]


async def kinds(page: Page) -> list[tuple[str, int]]:
    return [(notice["kind"], notice["count"]) for notice in await notices(page)]


async def see(page: Page) -> None:
    assert (await page.ask("POST", "/api/account/notices/seen")).status == 204


async def test_wrong_passwords_are_told_with_their_number_and_time(vds: Any, ann: Page) -> None:
    first = int(vds.time.wall * 1000)
    for _ in range(3):
        await vds.log_in("aNN", "wrong")
        vds.time.pass_by(10)
    (told,) = await notices(ann)
    assert (told["kind"], told["count"], told["is_new"]) == ("wrong_password", 3, True)
    assert (told["first_ms"], told["last_ms"]) == (first, first + 20_000)
    await vds.log_in("Bob", "wrong")
    await vds.log_in("Ann", PASSWORD)
    assert len(await notices(ann)) == 1


async def test_what_was_seen_is_new_no_more_until_it_goes_on(vds: Any, ann: Page) -> None:
    await vds.log_in("Ann", "wrong")
    await notices(ann)
    await see(ann)
    assert [notice["is_new"] for notice in await notices(ann)] == [False]
    vds.time.pass_by(60)
    await vds.log_in("Ann", "wrong")
    (told,) = await notices(ann)
    assert (told["count"], told["is_new"]) == (2, True)


async def test_each_open_session_is_told_for_itself(vds: Any, ann: Page) -> None:
    phone = await log_in(vds)
    vds.time.pass_by(1)
    await vds.log_in("Ann", "wrong")
    await notices(phone)
    await see(phone)
    assert [notice["is_new"] for notice in await notices(phone)] == [False]
    assert [notice["is_new"] for notice in await notices(ann)] == [True]


async def test_the_next_log_in_is_told_what_nobody_saw(vds: Any, ann: Page) -> None:
    vds.time.pass_by(1)
    await vds.log_in("Ann", "wrong")
    assert [notice["is_new"] for notice in await notices(await log_in(vds))] == [True]
    await see(ann)
    assert [notice["is_new"] for notice in await notices(await log_in(vds))] == [False]


async def test_changes_are_told_to_the_sessions_that_did_not_make_them(vds: Any, ann: Page) -> None:
    phone = await log_in(vds)
    key = Authenticator(ORIGIN)
    await ann.add(key)
    told = {notice["kind"]: notice for notice in await notices(phone)}
    assert (told["passkey_added"]["subject"], told["passkey_added"]["is_new"]) == ("Key", True)
    await ann.ask("DELETE", f"/api/passkeys/{base64url(key.id)}")
    await ann.ask("DELETE", "/api/passkeys/abcd")
    await ann.change_password()
    changes = {"passkey_added", "passkey_removed", "password_changed"}
    assert {(n["kind"], n["is_new"]) for n in await notices(ann)} == {(c, False) for c in changes}
    later = await log_in(vds, password=OTHER)
    assert {(n["kind"], n["is_new"]) for n in await notices(later)} == {(c, True) for c in changes}


async def test_dropping_the_password_is_told(ann: Page) -> None:
    for _ in range(2):
        await ann.add(Authenticator(ORIGIN))
    assert (await ann.ask("DELETE", "/api/account/password")).status == 204
    assert "password_dropped" in {kind for kind, _ in await kinds(ann)}


async def test_a_refresh_token_used_again_is_told_and_a_stale_tab_is_not(vds: Any) -> None:
    person = await vds.person("Ann")
    stolen = person.cookie
    await person.refresh()
    await person.refresh()
    for _ in range(3):
        assert (await person.refresh(stolen)).status == 401
    page = await log_in(vds)
    assert await kinds(page) == [("token_reused", 1)]


async def test_a_flood_of_one_kind_pushes_nothing_else_out(start: Any) -> None:
    vds = await start(limit_requests_per_session=1000)
    ann = Page(vds, (await vds.person("Ann")).token)
    await ann.add(Authenticator(ORIGIN))
    for _ in range(KEPT_OF_A_KIND + 3):
        vds.time.pass_by(DAY)
        await vds.log_in("Ann", "wrong")
        ann = await log_in(vds)
        await notices(ann)
    told = await kinds(ann)
    assert told.count(("wrong_password", 1)) == KEPT_OF_A_KIND
    assert told[-1] == ("passkey_added", 1)


async def test_a_flood_is_one_line_a_day(vds: Any, ann: Page) -> None:
    for _ in range(4):
        await vds.log_in("Ann", "wrong")
        await notices(ann)
    assert await kinds(ann) == [("wrong_password", 4)]


async def test_wrong_passwords_outlive_the_server(start: Any) -> None:
    vds = await start()
    await vds.person("Ann")
    await vds.log_in("Ann", "wrong")
    await vds.log_in("Nobody", "wrong")
    await vds.server.close()
    assert await kinds(await log_in(await start())) == [("wrong_password", 1)]


async def test_a_wrong_password_writes_nothing_whoever_it_is_for(
    vds: Any, ann: Page, monkeypatch: Any
) -> None:
    from signaling.storage.database import Database

    written: list[Any] = []
    real = Database.transaction
    monkeypatch.setattr(Database, "transaction", lambda self: written.append(self) or real(self))
    await vds.log_in("Ann", "wrong")
    await vds.log_in("Nobody", "wrong")
    assert written == []
    await vds.log_in("Ann", PASSWORD)
    assert written != []


async def test_tries_before_an_account_was_made_are_not_its_owners(vds: Any) -> None:
    await vds.log_in("Ann", "wrong")
    assert await notices(Page(vds, (await vds.person("Ann")).token)) == []
