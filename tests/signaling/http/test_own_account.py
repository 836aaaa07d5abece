"""What a person does to their own account, and what somebody at their open session cannot."""

import asyncio
import sqlite3
from typing import Any

import pytest

from signaling.accounts import PROOF_SECONDS
from signaling.passwords import Passwords
from signaling.storage.passkeys import SqlitePasskeys
from tests.signaling.authenticator import Authenticator, base64url

ORIGIN = "http://hearth.test"
PASSWORD = "correct horse battery"
OTHER = "another good password"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def code(response: Any) -> tuple[int, str]:
    return response.status, (await response.json())["code"]


class Page:
    """A page of somebody who is logged in."""

    def __init__(self, vds: Any, token: str) -> None:
        self.vds = vds
        self.token = token

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Origin": ORIGIN, "Authorization": f"Bearer {self.token}"}
        return await self.vds.http.request(method, self.vds.url(path), json=body, headers=headers)

    async def account(self) -> Any:
        return await (await self.ask("GET", "/api/account")).json()

    async def prove(self, password: str = PASSWORD) -> Any:
        return await self.ask("POST", "/api/account/proof", {"password": password})

    async def change_password(self, proof: Any = None) -> Any:
        body = {"password": OTHER, "proof": proof or {"password": PASSWORD}}
        return await self.ask("PUT", "/api/account/password", body)

    async def challenge(self) -> Any:
        return await (await self.ask("POST", "/api/account/proof/challenge")).json()

    async def add(self, key: Authenticator) -> Any:
        wanted = await self.ask("POST", "/api/passkeys/challenge")
        if wanted.status != 200:
            return wanted
        return await self.ask("POST", "/api/passkeys", key.make(await wanted.json()))

    async def is_over(self) -> bool:
        return bool((await self.ask("GET", "/api/account")).status == 401)


async def log_in(vds: Any, name: str = "Ann", password: str = PASSWORD) -> Page:
    response = await vds.log_in(name, password)
    assert response.status == 200, await response.text()
    return Page(vds, (await response.json())["access_token"])


@pytest.fixture
async def ann(vds: Any) -> Page:
    return Page(vds, (await vds.person("Ann")).token)


async def left_open(vds: Any) -> Page:
    """A page whose person logged in a while ago."""
    person = await vds.person("Ann")
    vds.time.pass_by(PROOF_SECONDS)
    await person.refresh()
    return Page(vds, person.token)


async def connect(vds: Any, page: Page) -> Any:
    peer = await vds.socket()
    await peer.authenticate(page.token)
    return peer


async def test_sessions_say_what_a_person_needs_to_tell_them_apart(vds: Any) -> None:
    person = await vds.person("Ann")
    vds.time.pass_by(60)
    body = {"username": "Ann", "password": PASSWORD}
    headers = {"Origin": ORIGIN, "User-Agent": FIREFOX}
    other = await vds.http.post(vds.url("/api/session"), json=body, headers=headers)
    assert other.status == 200
    vds.time.pass_by(5)
    await person.refresh()
    account = await Page(vds, person.token).account()
    this, that = account["sessions"]
    assert account["has_password"] is True
    assert (this["is_this"], this["used_ms"] - this["began_ms"]) == (True, 65_000)
    assert (that["is_this"], that["used_ms"] - that["began_ms"]) == (False, 0)
    assert that["client"] == "Firefox, Linux"


async def test_of_the_browser_only_its_family_is_kept(vds: Any, tmp_path: Any) -> None:
    body = {"username": "Ann", "password": PASSWORD}
    headers = {"Origin": ORIGIN, "User-Agent": f"{FIREFOX} somethingpeculiar"}
    assert (await vds.http.post(vds.url("/api/accounts"), json=body, headers=headers)).ok
    with sqlite3.connect(vds.settings.folder / "accounts.sqlite3") as database:
        rows = database.execute("SELECT client FROM sessions").fetchall()
    database.close()
    assert rows == [("Firefox, Linux",)]
    raw = b"".join(path.read_bytes() for path in vds.settings.folder.glob("accounts.sqlite3*"))
    assert b"peculiar" not in raw
    assert b"rv:140" not in raw
    assert b"/140" not in raw


async def test_ending_a_session_ends_its_sockets_and_no_others(vds: Any, ann: Page) -> None:
    phone = await log_in(vds)
    socket, mine = await connect(vds, phone), await connect(vds, ann)
    (theirs,) = [s["id"] for s in (await ann.account())["sessions"] if not s["is_this"]]
    assert (await ann.ask("DELETE", f"/api/account/sessions/{theirs}")).status == 204
    assert (await socket.receive()).code == "session_revoked"
    assert await phone.is_over()
    assert len((await ann.account())["sessions"]) == 1
    await mine.quiet()
    assert (await ann.ask("DELETE", f"/api/account/sessions/{theirs}")).status == 204


async def test_ending_all_others_leaves_this_one(vds: Any, ann: Page) -> None:
    others = [await log_in(vds) for _ in range(3)]
    sockets = [await connect(vds, other) for other in others]
    assert (await ann.ask("DELETE", "/api/account/sessions")).status == 204
    for other, socket in zip(others, sockets, strict=True):
        assert (await socket.receive()).code == "session_revoked"
        assert await other.is_over()
    assert [s["is_this"] for s in (await ann.account())["sessions"]] == [True]


async def test_nobody_sees_or_ends_anothers_sessions(vds: Any, ann: Page) -> None:
    bob = Page(vds, (await vds.person("Bob")).token)
    (mine,) = (await ann.account())["sessions"]
    assert mine["id"] not in [s["id"] for s in (await bob.account())["sessions"]]
    assert (await bob.ask("DELETE", f"/api/account/sessions/{mine['id']}")).status == 204
    assert (await bob.ask("DELETE", "/api/account/sessions")).status == 204
    assert not await ann.is_over()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/passkeys/challenge"),
        ("DELETE", "/api/passkeys/abcd"),
        ("DELETE", "/api/account/password"),
    ],
)
async def test_an_open_session_is_not_enough_to_change_the_ways_in(
    vds: Any, method: str, path: str
) -> None:
    page = await left_open(vds)
    needed = (403, "reauthentication_needed")
    assert await code(await page.ask(method, path)) == needed
    assert await code(await page.prove("wrong")) == (401, "wrong_credentials")
    assert await code(await page.ask(method, path)) == needed
    other = await log_in(vds)
    assert await code(await page.ask(method, path)) == needed  # that was another session
    assert not await other.is_over()
    assert (await page.prove()).status == 204
    assert (await page.ask(method, path)).status != 403
    vds.time.pass_by(PROOF_SECONDS - 1)
    page.token = await fresh(vds, page)
    assert (await page.ask(method, path)).status != 403
    vds.time.pass_by(1)
    assert await code(await page.ask(method, path)) == needed


async def fresh(vds: Any, page: Page) -> str:
    """A token for the same session, whose old one is about to be over."""
    from signaling.app import STORAGE
    from signaling.keys import load_or_create
    from signaling.tokens import Signer

    signer = Signer(load_or_create(vds.settings.folder / "signing-key.pem"), ORIGIN)
    claims = signer.verify(page.token, vds.time.wall - 299)
    assert await vds.server.app[STORAGE].is_live(claims.sid, vds.time.wall)
    return signer.mint(claims.user, claims.sid, vds.time.wall)


async def test_a_passkey_proves_too_and_only_ones_own(vds: Any, ann: Page) -> None:
    key, stranger = Authenticator(ORIGIN), Authenticator(ORIGIN)
    assert (await ann.add(key)).status == 201
    bob = Page(vds, (await vds.person("Bob")).token)
    assert (await bob.add(stranger)).status == 201
    vds.time.pass_by(PROOF_SECONDS)
    ann.token = await fresh(vds, ann)
    refused = (401, "passkey_refused")

    async def prove(said: Any) -> Any:
        return await ann.ask("POST", "/api/account/proof", {"passkey": said})

    assert await code(await prove(stranger.sign(await ann.challenge()))) == refused
    bob.token = await fresh(vds, bob)
    assert await code(await prove(key.sign(await bob.challenge()))) == refused
    said = key.sign(await ann.challenge())
    assert (await prove(said)).status == 204
    assert (await ann.ask("POST", "/api/passkeys/challenge")).status == 200
    assert await code(await prove(said)) == refused


async def test_a_proof_is_one_thing(ann: Page) -> None:
    key = Authenticator(ORIGIN)
    said = key.sign({"challenge": "", "rp_id": "hearth.test"})
    for body in ({"x": 1}, {"password": PASSWORD, "passkey": said}):
        assert await code(await ann.ask("POST", "/api/account/proof", body)) == (400, "malformed")


async def test_guessing_at_an_open_session_has_the_limit_of_logging_in(vds: Any, ann: Page) -> None:
    answers = [(await ann.prove(f"wrong {i}")).status for i in range(11)]
    assert answers == [401] * 10 + [429]
    assert await code(await ann.prove()) == (429, "rate_limited")
    assert (await vds.log_in("Ann", PASSWORD)).status == 429


async def test_changing_the_password_ends_every_other_session(vds: Any, ann: Page) -> None:
    phone = await log_in(vds)
    socket = await connect(vds, phone)
    wrong = await ann.change_password({"password": "wrong"})
    assert await code(wrong) == (401, "wrong_credentials")
    assert not await phone.is_over()
    assert (await ann.change_password()).status == 204
    assert (await socket.receive()).code == "session_revoked"
    assert await phone.is_over()
    assert not await ann.is_over()
    assert await code(await vds.log_in("Ann", PASSWORD)) == (401, "wrong_credentials")
    assert (await vds.log_in("Ann", OTHER)).status == 200


async def test_changing_the_password_asks_even_who_has_just_logged_in(ann: Page) -> None:
    for proof in ({"password": ""}, {"x": 1}):
        assert await code(await ann.change_password(proof)) == (400, "malformed")


async def test_a_log_in_with_the_old_password_does_not_outlive_its_change(
    vds: Any, ann: Page, monkeypatch: Any
) -> None:
    real, checked, go_on = Passwords.verify, asyncio.Event(), asyncio.Event()

    async def slow(self: Any, password_hash: Any, password: str) -> bool:
        right = await real(self, password_hash, password)
        if not checked.is_set():
            checked.set()
            await go_on.wait()
        return right

    monkeypatch.setattr(Passwords, "verify", slow)
    thief = asyncio.create_task(vds.log_in("Ann", PASSWORD))
    await checked.wait()
    assert (await ann.change_password()).status == 204
    go_on.set()
    assert await code(await thief) == (401, "wrong_credentials")
    assert len((await ann.account())["sessions"]) == 1


async def test_a_log_in_with_a_removed_passkey_does_not_outlive_it(
    vds: Any, ann: Page, monkeypatch: Any
) -> None:
    key = Authenticator(ORIGIN)
    await ann.add(key)
    real, used, go_on = SqlitePasskeys.use, asyncio.Event(), asyncio.Event()

    async def slow(*given: Any) -> bool:
        good = await real(*given)
        used.set()
        await go_on.wait()
        return good

    monkeypatch.setattr(SqlitePasskeys, "use", slow)
    begun = await vds.post("/api/session/passkey/challenge")
    cookies = {"hearth-passkey": begun.cookies["hearth-passkey"].value}
    log_in_with_it = vds.http.post(
        vds.url("/api/session/passkey"),
        json=key.sign(await begun.json()),
        headers={"Origin": ORIGIN},
        cookies=cookies,
    )
    thief = asyncio.ensure_future(log_in_with_it)
    await used.wait()
    assert (await ann.ask("DELETE", f"/api/passkeys/{base64url(key.id)}")).status == 204
    assert (await ann.ask("DELETE", "/api/account/sessions")).status == 204
    go_on.set()
    assert await code(await thief) == (401, "passkey_refused")


async def without_password(vds: Any, ann: Page) -> tuple[Authenticator, Authenticator]:
    keys = Authenticator(ORIGIN), Authenticator(ORIGIN)
    for key in keys:
        assert (await ann.add(key)).status == 201
    assert (await ann.ask("DELETE", "/api/account/password")).status == 204
    return keys


async def test_a_password_is_dropped_beside_two_passkeys_only(vds: Any, ann: Page) -> None:
    phone = await log_in(vds)
    for _ in range(2):
        few = await ann.ask("DELETE", "/api/account/password")
        assert await code(few) == (409, "passkeys_needed")
        await ann.add(Authenticator(ORIGIN))
    assert (await ann.ask("DELETE", "/api/account/password")).status == 204
    assert await phone.is_over()
    assert (await ann.account())["has_password"] is False


async def test_without_a_password_none_opens_the_account(vds: Any, ann: Page) -> None:
    await without_password(vds, ann)
    right, nobody = await vds.log_in("Ann", PASSWORD), await vds.log_in("Nobody", PASSWORD)
    assert await code(right) == await code(nobody) == (401, "wrong_credentials")
    assert await right.read() == await nobody.read()
    assert await code(await ann.prove()) == (401, "wrong_credentials")


async def test_without_a_password_the_last_passkey_stays(vds: Any, ann: Page) -> None:
    await without_password(vds, ann)
    first, second = (await (await ann.ask("GET", "/api/passkeys")).json())["passkeys"]
    assert (await ann.ask("DELETE", f"/api/passkeys/{first['id']}")).status == 204
    last = await ann.ask("DELETE", f"/api/passkeys/{second['id']}")
    assert await code(last) == (409, "passkeys_needed")
    (kept,) = (await (await ann.ask("GET", "/api/passkeys")).json())["passkeys"]
    assert kept["id"] == second["id"]


async def test_a_password_is_set_again_with_a_passkey(vds: Any, ann: Page) -> None:
    key, _ = await without_password(vds, ann)
    said = key.sign(await ann.challenge())
    assert (await ann.change_password({"passkey": said})).status == 204
    assert (await vds.log_in("Ann", OTHER)).status == 200


async def delete(page: Page, password: str = PASSWORD) -> Any:
    return await page.ask("POST", "/api/account/deletion", {"password": password})


async def test_deleting_takes_the_password_and_ends_every_session(vds: Any, ann: Page) -> None:
    phone = await log_in(vds)
    socket = await connect(vds, phone)
    assert await code(await delete(ann, "wrong")) == (401, "wrong_credentials")
    assert not await phone.is_over()
    gone = await delete(ann)
    assert (gone.status, gone.cookies["hearth"]["max-age"]) == (204, "0")
    assert (await socket.receive()).code == "session_revoked"
    assert await ann.is_over()
    assert await phone.is_over()
    unknown, nobody = await vds.log_in("Ann", PASSWORD), await vds.log_in("Nobody", PASSWORD)
    assert await unknown.read() == await nobody.read()


async def test_nothing_of_a_deleted_account_is_left_on_the_disk(vds: Any) -> None:
    ann = Page(vds, (await vds.person("Peculiarname")).token)
    await ann.add(Authenticator(ORIGIN))
    (session,) = (await ann.account())["sessions"]
    await vds.person("Bob")
    assert (await delete(ann)).status == 204
    with sqlite3.connect(vds.settings.folder / "accounts.sqlite3") as database:
        for table in ("sessions", "rooms", "notices", "passkeys", "passkey_handles"):
            column = "user_id"
            rows = database.execute(
                f"SELECT count(*) FROM {table} WHERE {column} NOT IN (SELECT id FROM users)"
            ).fetchone()
            assert rows == (0,), table
        assert database.execute("SELECT name FROM users").fetchall() == [("Bob",)]
    database.close()
    raw = b"".join(path.read_bytes() for path in vds.settings.folder.glob("accounts.sqlite3*"))
    for trace in (b"Peculiarname", b"peculiarname", session["id"].encode()):
        assert trace not in raw
    assert b"Bob" in raw


async def test_a_free_name_brings_its_next_owner_nothing(vds: Any, ann: Page) -> None:
    home = await vds.home()
    device = await connect(vds, ann)
    await device.join()
    await home.receive()
    before = device.room
    assert (await delete(ann)).status == 204
    again = await vds.person("Ann")
    page = Page(vds, again.token)
    assert (await (await page.ask("GET", "/api/passkeys")).json()) == {"passkeys": []}
    assert (await (await page.ask("GET", "/api/account/notices")).json()) == {"notices": []}
    assert (await again.connect()).room != before


async def test_only_who_is_logged_in_gets_anywhere(vds: Any, ann: Page) -> None:
    for method, path in PATHS:
        cookie = await vds.post(path, method=method)
        assert await code(cookie) == (401, "not_logged_in")
    ann.token += "x"
    for method, path in PATHS:
        assert await code(await ann.ask(method, path)) == (401, "token_invalid")


PATHS = [
    ("GET", "/api/account"),
    ("DELETE", "/api/account/sessions"),
    ("DELETE", "/api/account/sessions/abc"),
    ("POST", "/api/account/proof/challenge"),
    ("POST", "/api/account/proof"),
    ("PUT", "/api/account/password"),
    ("DELETE", "/api/account/password"),
    ("POST", "/api/account/deletion"),
    ("GET", "/api/account/notices"),
    ("POST", "/api/account/notices/seen"),
]


@pytest.mark.parametrize(("method", "path"), [p for p in PATHS if p[0] != "GET"])
async def test_only_our_own_pages_change_an_account(vds: Any, method: str, path: str) -> None:
    response = await vds.post(path, method=method, origin="https://evil.example")
    assert await code(response) == (403, "origin_refused")
