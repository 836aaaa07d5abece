"""Accounts and sessions, as a browser or an attacker meets them."""

import asyncio
import gzip
from http.cookies import Morsel
from typing import Any

import jwt
import pytest

from signaling.passwords import Passwords

PASSWORD = "correct horse battery"
ANN = {"username": "Ann", "password": PASSWORD}


async def code(response: Any) -> tuple[int, str]:
    return response.status, (await response.json())["code"]


async def test_registering_logs_in(vds: Any) -> None:
    response = await vds.post("/api/accounts", ANN)
    body = await response.json()
    assert response.status == 201
    assert body["expires_in_s"] == 300
    assert body["user"]["name"] == "Ann"
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["iss"]) == (body["user"]["id"], vds.settings.origin)
    assert response.headers["Cache-Control"] == "no-store"


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(vds: Any) -> None:
    cookie: Morsel[str] = (await vds.post("/api/accounts", ANN)).cookies["hearth"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    assert cookie["secure"] == ""
    assert cookie["domain"] == ""


async def test_over_https_the_cookie_is_bound_to_the_host(start: Any) -> None:
    vds = await start(origin="https://hearth.example")
    response = await vds.post("/api/accounts", ANN, origin="https://hearth.example")
    cookie = response.cookies["__Host-hearth"]
    assert cookie["secure"] is True
    assert "max-age=" in response.headers["Strict-Transport-Security"]


@pytest.mark.parametrize("name", ["Ann", "ann", "ANN"])
async def test_a_name_is_taken_in_any_case(vds: Any, name: str) -> None:
    await vds.person("Ann")
    response = await vds.post("/api/accounts", {**ANN, "username": name})
    assert await code(response) == (409, "username_taken")


async def test_cyrillic_names_fold_too(vds: Any) -> None:
    await vds.person("Ёжик")
    taken = await vds.post("/api/accounts", {**ANN, "username": "ёЖИК"})
    assert await code(taken) == (409, "username_taken")
    assert (await vds.log_in("ёжик", PASSWORD)).status == 200


async def test_logging_in_answers_a_wrong_name_and_a_wrong_password_alike(vds: Any) -> None:
    await vds.person("Ann")
    assert (await vds.log_in("aNN", PASSWORD)).status == 200
    wrong = await vds.log_in("Ann", "wrong")
    nobody = await vds.log_in("Nobody", "wrong")
    assert await code(wrong) == await code(nobody) == (401, "wrong_credentials")
    assert await wrong.read() == await nobody.read()


async def test_unknown_and_taken_names_cost_the_same_work_as_others(
    vds: Any, monkeypatch: Any
) -> None:
    await vds.person("Ann")
    work: list[str] = []
    for name in ("hash", "verify"):
        real = getattr(Passwords, name)

        async def counted(*given: Any, name: str = name, real: Any = real) -> Any:
            work.append(name)
            return await real(*given)

        monkeypatch.setattr(Passwords, name, counted)
    await vds.log_in("Ann", "wrong")
    await vds.log_in("Nobody", "wrong")
    assert await code(await vds.post("/api/accounts", ANN)) == (409, "username_taken")
    assert (await vds.post("/api/accounts", {**ANN, "username": "Bob"})).status == 201
    assert work == ["verify", "verify", "hash", "hash"]


async def test_twenty_wrong_passwords_lock_the_account_even_for_the_right_one(vds: Any) -> None:
    await vds.person("Ann")
    answers = [await code(await vds.log_in("Ann", f"wrong {i}")) for i in range(20)]
    assert answers == [(401, "wrong_credentials")] * 10 + [(429, "rate_limited")] * 10
    right = await vds.log_in("ANN", PASSWORD)
    assert await code(right) == (429, "rate_limited")
    wait = (await right.json())["retry_after_s"]
    assert right.headers["Retry-After"] == str(wait)
    vds.time.pass_by(wait - 1)
    assert (await vds.log_in("Ann", PASSWORD)).status == 429
    vds.time.pass_by(1)
    assert (await vds.log_in("Ann", PASSWORD)).status == 200


async def test_wrong_passwords_at_once_get_no_extra_tries(vds: Any) -> None:
    await vds.person("Ann")
    answers = await asyncio.gather(*(vds.log_in("Ann", f"wrong {i}") for i in range(20)))
    assert sorted(answer.status for answer in answers) == [401] * 10 + [429] * 10


async def test_an_address_is_limited_over_all_accounts(vds: Any) -> None:
    await vds.person("Ann")
    statuses = [(await vds.log_in(f"user{i}", "wrong")).status for i in range(31)]
    assert statuses == [401] * 30 + [429]
    assert (await vds.log_in("Ann", PASSWORD)).status == 429


async def test_logging_in_often_with_the_right_password_is_no_offence(vds: Any) -> None:
    await vds.person("Ann")
    assert {(await vds.log_in("Ann", PASSWORD)).status for _ in range(40)} == {200}


async def test_registrations_of_an_address_are_limited(vds: Any) -> None:
    for number in range(10):
        await vds.person(f"user{number}")
    refused = await vds.post("/api/accounts", ANN)
    assert await code(refused) == (429, "rate_limited")
    vds.time.pass_by(3600)
    await vds.person("Ann")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"username":"Ann"}',
        b'{"username":1,"password":"long enough"}',
        b'{"username":"Ann","password":"short"}',
        b'{"username":"A","password":"long enough"}',
        b'{"username":"Ann\\n","password":"long enough"}',
        b'{"username":"<b>","password":"long enough"}',
        b'{"username":"Ann","password":"\xff\xfe long enough"}',
        b"[" * 10_000,
        b"\x00" * 100,
    ],
)
async def test_a_malformed_body_is_a_problem_that_repeats_nothing(vds: Any, body: bytes) -> None:
    response = await vds.post("/api/accounts", body)
    assert await code(response) == (400, "malformed")
    assert "Ann" not in await response.text()


@pytest.mark.parametrize("path", ["/api/accounts", "/api/session"])
async def test_a_large_body_is_refused(vds: Any, path: str) -> None:
    response = await vds.post(path, b'{"username":"' + b"a" * 1_000_000 + b'"}')
    assert await code(response) == (413, "too_large")


async def test_a_compressed_bomb_is_refused(vds: Any) -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    assert len(bomb) < 16_384
    response = await vds.http.post(
        vds.url("/api/session"),
        data=bomb,
        headers={"Origin": vds.settings.origin, "Content-Encoding": "gzip"},
    )
    assert await code(response) == (413, "too_large")


async def test_refreshing_gives_a_new_token_and_a_new_cookie(vds: Any) -> None:
    ann = await vds.person("Ann")
    first_cookie, first_token = ann.cookie, ann.token
    response = await ann.refresh()
    assert response.status == 200
    assert ann.cookie != first_cookie
    assert ann.token != first_token
    assert ann.session["user"]["name"] == "Ann"


@pytest.mark.parametrize("cookie", [None, "nonsense", "я", "a" * 4000])
async def test_refreshing_without_a_good_cookie_is_not_logged_in(vds: Any, cookie: Any) -> None:
    response = await vds.post("/api/session/refresh", cookie=cookie)
    assert await code(response) == (401, "not_logged_in")
    assert response.cookies["hearth"]["max-age"] == "0"


async def test_two_tabs_that_refresh_at_once_both_stay_logged_in(vds: Any) -> None:
    ann = await vds.person("Ann")
    shared = ann.cookie
    answers = await asyncio.gather(*(ann.refresh(shared) for _ in range(2)))
    assert [answer.status for answer in answers] == [200, 200]
    cookies = {answer.cookies["hearth"].value for answer in answers}
    assert len(cookies) == 2
    vds.time.pass_by(10)
    assert (await ann.refresh(shared)).status == 200
    assert (await ann.refresh(cookies.pop())).status == 200


async def test_a_parent_after_its_grace_ends_the_session(vds: Any) -> None:
    ann = await vds.person("Ann")
    stolen = ann.cookie
    await ann.refresh()
    vds.time.pass_by(10.1)
    assert await code(await ann.refresh(stolen)) == (401, "session_revoked")
    assert await code(await ann.refresh()) == (401, "session_revoked")


async def test_a_grandparent_ends_the_session_at_once(vds: Any) -> None:
    ann = await vds.person("Ann")
    stolen = ann.cookie
    await ann.refresh()
    await ann.refresh()
    assert await code(await ann.refresh(stolen)) == (401, "session_revoked")


async def test_reuse_ends_one_session_and_no_other(vds: Any) -> None:
    ann = await vds.person("Ann")
    other = (await vds.log_in("Ann", PASSWORD)).cookies["hearth"].value
    stolen = ann.cookie
    await ann.refresh()
    await ann.refresh()
    await ann.refresh(stolen)
    assert (await ann.refresh(other)).status == 200


async def test_a_session_ends_after_thirty_days_without_use(vds: Any) -> None:
    ann = await vds.person("Ann")
    vds.time.pass_by(29 * 86_400)
    assert (await ann.refresh()).status == 200
    vds.time.pass_by(30 * 86_400)
    assert await code(await ann.refresh()) == (401, "not_logged_in")


async def test_logging_out_ends_the_session_and_clears_the_cookie(vds: Any) -> None:
    ann = await vds.person("Ann")
    response = await vds.log_out(ann.cookie)
    assert (response.status, await response.read()) == (204, b"")
    assert response.cookies["hearth"]["max-age"] == "0"
    assert await code(await ann.refresh()) == (401, "session_revoked")
    assert (await vds.log_out(ann.cookie)).status == 204


async def test_a_session_outlives_the_server(start: Any) -> None:
    vds = await start()
    ann = await vds.person("Ann")
    keys = await (await vds.get("/.well-known/jwks.json")).json()
    await vds.server.close()
    again = await start()
    ann.vds = again
    assert (await ann.refresh()).status == 200
    assert await (await again.get("/.well-known/jwks.json")).json() == keys


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "https://evil.example",
        "http://hearth.test.evil.example",
        "http://hearth.test:81",
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/accounts"),
        ("POST", "/api/session"),
        ("POST", "/api/session/refresh"),
        ("DELETE", "/api/session"),
    ],
)
async def test_only_our_own_pages_change_anything(
    vds: Any, method: str, path: str, origin: Any
) -> None:
    response = await vds.post(path, ANN, origin=origin, method=method)
    assert await code(response) == (403, "origin_refused")
