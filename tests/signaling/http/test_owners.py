"""Logging in by the word of a home, on the home's own PC."""

from typing import Any

import pytest

HERE = "http://localhost:8080"
TYPE = {"headers": {"typ": "home-login+jwt"}}


@pytest.fixture
async def here(start: Any) -> Any:
    return await start(origin=HERE)


def word(vds: Any, name: str = "Anna K.", home: int = 0, **changes: Any) -> str:
    said = {"aud": vds.settings.origin, "name": name, **TYPE, **changes}
    return str(vds.homes[home].assertion(vds.time.wall, **said))


async def log_in(vds: Any, assertion: str, origin: str | None = HERE) -> Any:
    return await vds.post("/api/session/home", {"assertion": assertion}, origin=origin)


async def code(response: Any) -> str:
    return str((await response.json())["code"])


async def test_the_owner_has_one_account_and_an_ordinary_session(here: Any) -> None:
    response = await log_in(here, word(here))
    session = await response.json()
    assert response.status == 200
    assert session["user"]["name"] == "Anna K."
    again = await (await log_in(here, word(here, "Renamed"))).json()
    assert again["user"] == session["user"]
    cookie = response.cookies["hearth"].value
    refreshed = await here.post("/api/session/refresh", origin=HERE, cookie=cookie)
    assert (await refreshed.json())["user"] == session["user"]
    peer = await here.socket(HERE)
    assert len((await peer.authenticate(session["access_token"])).rooms) == 1


@pytest.mark.parametrize("password", ["correct horse battery", " "])
async def test_no_password_opens_it(here: Any, password: str) -> None:
    await log_in(here, word(here, "Anna"))
    body = {"username": "Anna", "password": password}
    assert await code(await here.post("/api/session", body, origin=HERE)) == "wrong_credentials"


async def test_the_word_is_good_once_for_a_minute_and_for_logging_in_only(here: Any) -> None:
    said = word(here)
    await log_in(here, said)
    assert await code(await log_in(here, said)) == "token_invalid"
    for bad in (
        word(here, headers={"typ": "home+jwt"}),
        word(here, home=1),
        word(here, aud="http://localhost:8081"),
        word(here, exp=int(here.time.wall) + 61),
        word(here, sub="somebody"),
        "nonsense",
    ):
        assert await code(await log_in(here, bad)) == "token_invalid"
    old = word(here)
    here.time.pass_by(91)
    assert await code(await log_in(here, old)) == "token_expired"
    for_socket = await here.socket(HERE)
    with pytest.raises(AssertionError, match="token_invalid"):
        await for_socket.authenticate(word(here))


async def test_a_server_that_is_not_this_pcs_own_does_not_know_of_it(vds: Any) -> None:
    response = await log_in(vds, word(vds), vds.settings.origin)
    assert (response.status, await code(response)) == (404, "not_found")


@pytest.mark.parametrize("origin", [None, "https://evil.example", "http://localhost:8081"])
async def test_another_page_cannot_bring_it(here: Any, origin: str | None) -> None:
    assert await code(await log_in(here, word(here), origin)) == "origin_refused"


async def test_a_name_that_somebody_registered_stays_theirs(here: Any) -> None:
    body = {"username": "anna", "password": "correct horse battery"}
    theirs = await (await here.post("/api/accounts", body, origin=HERE)).json()
    own = await (await log_in(here, word(here, "Anna"))).json()
    assert own["user"]["id"] != theirs["user"]["id"]
    assert own["user"]["name"] == f"Anna ({here.homes[0].id[:8]})"
    again = await (await log_in(here, word(here, "Anna"))).json()
    assert again["user"] == own["user"]


async def test_too_many_wrong_words_wait(start: Any) -> None:
    here = await start(origin=HERE, limit_login_failures_per_address=2)
    codes = [await code(await log_in(here, "nonsense")) for _ in range(3)]
    assert codes == ["token_invalid", "token_invalid", "rate_limited"]
    here.time.pass_by(300)
    for _ in range(5):  # right ones count for nothing
        assert (await log_in(here, word(here))).status == 200
