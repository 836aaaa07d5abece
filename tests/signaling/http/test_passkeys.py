"""Passkeys, as a browser with an authenticator or an attacker meets them."""

import asyncio
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from signaling.challenges import CHALLENGE_SECONDS
from signaling.passkeys import PASSKEYS_PER_PERSON
from tests.signaling.authenticator import Authenticator, base64url, unbase64url

ORIGIN = "http://hearth.test"
PASSWORD = "correct horse battery"
REFUSED = (401, "passkey_refused")


async def code(response: Any) -> tuple[int, str]:
    return response.status, (await response.json())["code"]


class Browser:
    """One page: it has an access token, or it has not, and keeps the cookie of a challenge."""

    def __init__(self, vds: Any, person: Any = None) -> None:
        self.vds = vds
        self.person = person
        self.cookie = ""

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Origin": ORIGIN}
        if self.person:
            headers["Authorization"] = f"Bearer {self.person.token}"
        cookies = {"hearth-passkey": self.cookie} if self.cookie else {}
        response = await self.vds.http.request(
            method, self.vds.url(path), json=body, headers=headers, cookies=cookies
        )
        if "hearth-passkey" in response.cookies:
            self.cookie = response.cookies["hearth-passkey"].value
        return response

    async def wanted(self) -> Any:
        response = await self.ask("POST", "/api/passkeys/challenge")
        assert response.status == 200, await response.text()
        return await response.json()

    async def make(self, key: Authenticator, name: str = "Key") -> Any:
        return await self.ask("POST", "/api/passkeys", key.make(await self.wanted(), name))

    async def request(self) -> Any:
        response = await self.ask("POST", "/api/session/passkey/challenge")
        assert response.status == 200, await response.text()
        return await response.json()

    async def log_in(self, key: Authenticator) -> Any:
        return await self.send(key.sign(await self.request()))

    async def send(self, said: Any) -> Any:
        return await self.ask("POST", "/api/session/passkey", said)


@pytest.fixture
async def ann(vds: Any) -> Browser:
    return Browser(vds, await vds.person("Ann"))


@pytest.fixture
async def key(ann: Browser) -> Authenticator:
    key = Authenticator(ORIGIN)
    assert (await ann.make(key)).status == 201
    return key


async def test_a_passkey_logs_its_owner_in_without_a_name(vds: Any, key: Authenticator) -> None:
    response = await Browser(vds).log_in(key)
    body = await response.json()
    assert (response.status, body["user"]["name"]) == (200, "Ann")
    again = await vds.post("/api/session/refresh", cookie=response.cookies["hearth"].value)
    assert again.status == 200


async def test_the_authenticator_learns_a_random_handle_and_no_id(ann: Browser) -> None:
    wanted, again = await ann.wanted(), await ann.wanted()
    handle = unbase64url(wanted["user_handle"])
    assert len(handle) == 32
    assert wanted["user_handle"] == again["user_handle"]
    assert ann.person.session["user"]["id"] not in (handle.hex(), handle.decode("latin-1"))
    bob = await Browser(ann.vds, await ann.vds.person("Bob")).wanted()
    assert bob["user_handle"] != wanted["user_handle"]
    assert wanted["challenge"] != again["challenge"]
    assert (wanted["rp_id"], wanted["user_name"]) == ("hearth.test", "Ann")


async def test_passkeys_are_listed_used_and_removed(ann: Browser, key: Authenticator) -> None:
    ann.vds.time.pass_by(5)
    await Browser(ann.vds).log_in(key)
    (shown,) = (await (await ann.ask("GET", "/api/passkeys")).json())["passkeys"]
    assert (shown["id"], shown["name"]) == (base64url(key.id), "Key")
    assert shown["used_ms"] - shown["created_ms"] == 5000
    assert (await ann.wanted())["exclude"] == [shown["id"]]
    for _ in range(2):
        assert (await ann.ask("DELETE", f"/api/passkeys/{shown['id']}")).status == 204
    assert (await (await ann.ask("GET", "/api/passkeys")).json()) == {"passkeys": []}
    assert await code(await Browser(ann.vds).log_in(key)) == REFUSED


async def test_nobody_sees_or_removes_anothers_passkey(ann: Browser, key: Authenticator) -> None:
    bob = Browser(ann.vds, await ann.vds.person("Bob"))
    assert (await (await bob.ask("GET", "/api/passkeys")).json()) == {"passkeys": []}
    assert (await bob.ask("DELETE", f"/api/passkeys/{base64url(key.id)}")).status == 204
    assert (await Browser(ann.vds).log_in(key)).status == 200


LIES: list[tuple[str, Callable[[Authenticator], None]]] = [
    ("another site's page", lambda key: setattr(key, "origin", "https://evil.example")),
    ("another port", lambda key: setattr(key, "origin", f"{ORIGIN}:81")),
    ("inside a frame", lambda key: setattr(key, "cross_origin", True)),
    ("for another host", lambda key: setattr(key, "rp_id", "evil.example")),
    ("nobody's finger", lambda key: setattr(key, "verifies", False)),
]


@pytest.mark.parametrize("lie", [lie for _, lie in LIES], ids=[name for name, _ in LIES])
async def test_what_is_not_as_required_is_refused(
    ann: Browser, key: Authenticator, lie: Callable[[Authenticator], None]
) -> None:
    other = Authenticator(ORIGIN)
    lie(key)
    lie(other)
    assert await code(await ann.make(other)) == REFUSED
    assert await code(await Browser(ann.vds).log_in(key)) == REFUSED


async def test_a_key_of_an_algorithm_not_offered_is_refused(ann: Browser) -> None:
    assert await code(await ann.make(Authenticator(ORIGIN, algorithm=-65535))) == REFUSED


async def test_a_signature_of_another_key_is_refused(vds: Any, key: Authenticator) -> None:
    key.key = Authenticator(ORIGIN).key
    assert await code(await Browser(vds).log_in(key)) == REFUSED


async def test_another_persons_handle_is_refused(ann: Browser, key: Authenticator) -> None:
    bob = Browser(ann.vds, await ann.vds.person("Bob"))
    key.handle = (await bob.wanted())["user_handle"]
    assert await code(await Browser(ann.vds).log_in(key)) == REFUSED


async def test_an_unknown_passkey_is_answered_like_a_wrong_signature(
    vds: Any, key: Authenticator, monkeypatch: Any
) -> None:
    from signaling import passkeys

    verified = []
    verify = passkeys.verify_use
    monkeypatch.setattr(
        passkeys, "verify_use", lambda *args: verified.append(args) or verify(*args)
    )
    unknown = await Browser(vds).log_in(Authenticator(ORIGIN, handle=key.handle))
    key.key = Authenticator(ORIGIN).key
    wrong = await Browser(vds).log_in(key)
    assert await code(unknown) == await code(wrong) == REFUSED
    assert await unknown.read() == await wrong.read()
    assert len(verified) == 2  # the same work for both


async def test_beginning_says_the_same_whoever_has_a_passkey(vds: Any, key: Authenticator) -> None:
    wanted = await Browser(vds).request()
    assert set(wanted) == {"challenge", "rp_id", "timeout_ms"}


async def test_a_challenge_is_good_once(ann: Browser, key: Authenticator) -> None:
    page = Browser(ann.vds)
    wanted = await page.request()
    kept = page.cookie
    assert (await page.send(key.sign(wanted))).status == 200
    assert page.cookie == ""
    page.cookie = kept
    assert await code(await page.send(key.sign(wanted))) == REFUSED
    creation = await ann.wanted()
    assert (await ann.ask("POST", "/api/passkeys", Authenticator(ORIGIN).make(creation))).ok
    again = await ann.ask("POST", "/api/passkeys", Authenticator(ORIGIN).make(creation))
    assert await code(again) == REFUSED


async def test_a_failed_answer_uses_the_challenge_up(vds: Any, key: Authenticator) -> None:
    page = Browser(vds)
    wanted = await page.request()
    good = key.sign(wanted)
    assert await code(await page.send({**good, "signature": "AAAA"})) == REFUSED
    assert await code(await page.send(good)) == REFUSED


async def test_a_challenge_is_good_for_two_minutes(ann: Browser, key: Authenticator) -> None:
    page = Browser(ann.vds)
    wanted, creation = await page.request(), await ann.wanted()
    ann.vds.time.pass_by(CHALLENGE_SECONDS)
    assert await code(await page.send(key.sign(wanted))) == REFUSED
    late = await ann.ask("POST", "/api/passkeys", Authenticator(ORIGIN).make(creation))
    assert await code(late) == REFUSED


async def test_a_challenge_is_bound_to_the_browser_and_the_session(
    ann: Browser, key: Authenticator
) -> None:
    page, thief = Browser(ann.vds), Browser(ann.vds)
    wanted = await page.request()
    await thief.request()
    assert await code(await thief.send(key.sign(wanted))) == REFUSED
    assert await code(await Browser(ann.vds).send(key.sign(wanted))) == REFUSED
    again = await ann.vds.log_in("Ann", PASSWORD)
    other = Browser(ann.vds, type(ann.person)(ann.vds, "Ann", await again.json(), ""))
    made = Authenticator(ORIGIN).make(await ann.wanted())
    assert await code(await other.ask("POST", "/api/passkeys", made)) == REFUSED
    assert (await ann.ask("POST", "/api/passkeys", made)).status == 201


async def test_a_challenge_for_making_is_not_one_for_logging_in(
    ann: Browser, key: Authenticator
) -> None:
    creation = await ann.wanted()
    page = Browser(ann.vds)
    page.cookie = jwt.decode(ann.person.token, options={"verify_signature": False})["sid"]
    assert await code(await page.send(key.sign(creation))) == REFUSED


async def test_a_copy_that_counts_from_behind_is_refused(vds: Any, key: Authenticator) -> None:
    await Browser(vds).log_in(key)
    await Browser(vds).log_in(key)
    key.count = 1
    assert await code(await Browser(vds).log_in(key)) == REFUSED  # says 2 again
    key.count = 0
    assert await code(await Browser(vds).log_in(key)) == REFUSED
    key.count = 2
    assert (await Browser(vds).log_in(key)).status == 200


async def test_a_copy_used_at_the_same_moment_is_refused(vds: Any, key: Authenticator) -> None:
    pages = [Browser(vds) for _ in range(4)]
    requests = [await page.request() for page in pages]
    said = []
    for wanted in requests:
        key.count = 6
        said.append(key.sign(wanted))
    answers = await asyncio.gather(*(p.send(s) for p, s in zip(pages, said, strict=True)))
    assert sorted(answer.status for answer in answers) == [200, 401, 401, 401]


async def test_a_synchronised_passkey_never_counts(ann: Browser) -> None:
    key = Authenticator(ORIGIN)
    await ann.make(key)
    for _ in range(3):
        key.count = -1
        assert (await Browser(ann.vds).log_in(key)).status == 200


async def test_a_known_passkey_is_not_taken_from_its_owner(
    ann: Browser, key: Authenticator
) -> None:
    bob = Browser(ann.vds, await ann.vds.person("Bob"))
    copy = Authenticator(ORIGIN, id=key.id)
    assert await code(await bob.make(copy)) == REFUSED
    assert (await (await Browser(ann.vds).log_in(key)).json())["user"]["name"] == "Ann"


async def test_a_person_has_so_many_passkeys(start: Any) -> None:
    vds = await start(limit_requests_per_session=1000)
    ann = Browser(vds, await vds.person("Ann"))
    creation = None
    for _ in range(PASSKEYS_PER_PERSON):
        assert (await ann.make(Authenticator(ORIGIN))).status == 201
    creation = await ann.ask("POST", "/api/passkeys/challenge")
    assert await code(creation) == (409, "passkeys_full")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/passkeys/challenge"),
        ("POST", "/api/passkeys"),
        ("GET", "/api/passkeys"),
        ("DELETE", "/api/passkeys/abcd"),
    ],
)
async def test_only_who_is_logged_in_manages_passkeys(ann: Browser, method: str, path: str) -> None:
    assert await code(await Browser(ann.vds).ask(method, path)) == (401, "not_logged_in")
    cookie_only = await ann.vds.post(path, cookie=ann.person.cookie, method=method)
    assert await code(cookie_only) == (401, "not_logged_in")
    ann.person.session["access_token"] += "x"
    assert await code(await ann.ask(method, path)) == (401, "token_invalid")
    await ann.person.refresh()
    await ann.vds.log_out(ann.person.cookie)
    assert await code(await ann.ask(method, path)) == (401, "session_revoked")
    ann.vds.time.pass_by(300)
    assert await code(await ann.ask(method, path)) == (401, "token_expired")


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example"])
@pytest.mark.parametrize(
    "path",
    [
        "/api/passkeys",
        "/api/passkeys/challenge",
        "/api/session/passkey",
        "/api/session/passkey/challenge",
    ],
)
async def test_only_our_own_pages_use_passkeys(vds: Any, path: str, origin: Any) -> None:
    assert await code(await vds.post(path, origin=origin)) == (403, "origin_refused")


@pytest.mark.parametrize(
    "changes",
    [
        {"client_data": ""},
        {"client_data": base64url(b"[" * 2000)},
        {"client_data": base64url(b"null")},
        {"authenticator_data": "AAAA"},
        {"authenticator_data": base64url(bytes(37))},
        {"signature": ""},
        {"user_handle": ""},
        {"id": ""},
    ],
)
async def test_garbage_is_refused_without_a_mistake_of_ours(
    vds: Any, key: Authenticator, changes: dict[str, str]
) -> None:
    page = Browser(vds)
    said = key.sign(await page.request())
    assert await code(await page.send({**said, **changes})) == REFUSED


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x00", b"\xff" * 100, b"\x9f" * 3000, b"\xbf", b"\xa1\x63fmt\x64none"],
    ids=["empty", "zero", "break", "deep", "open", "short"],
)
async def test_a_garbled_attestation_is_refused(ann: Browser, raw: bytes) -> None:
    made = Authenticator(ORIGIN).make(await ann.wanted())
    response = await ann.ask("POST", "/api/passkeys", {**made, "attestation": base64url(raw)})
    assert await code(response) == REFUSED


async def test_what_is_no_base64url_is_malformed(ann: Browser, key: Authenticator) -> None:
    page = Browser(ann.vds)
    said = key.sign(await page.request())
    assert await code(await page.send({**said, "signature": "+/"})) == (400, "malformed")
    await page.request()
    assert await code(await page.send({**said, "signature": "A"})) == (400, "malformed")
    assert await code(await ann.ask("DELETE", "/api/passkeys/A")) == (400, "malformed")


async def test_failures_count_for_the_address_and_lock_no_account(start: Any) -> None:
    vds = await start(limit_login_failures_per_address=3)
    ann = Browser(vds, await vds.person("Ann"))
    key = Authenticator(ORIGIN)
    await ann.make(key)
    for _ in range(5):
        assert (await Browser(vds).log_in(key)).status == 200
    stranger = Authenticator(ORIGIN, handle=key.handle)
    answers = [(await Browser(vds).log_in(stranger)).status for _ in range(4)]
    assert answers == [401, 401, 401, 429]
    vds.time.pass_by(vds.settings.limit_login_window_s)
    assert (await vds.log_in("Ann", PASSWORD)).status == 200


async def test_beginning_too_often_is_refused(start: Any) -> None:
    vds = await start(limit_requests_per_address=2)
    page = Browser(vds)
    for _ in range(2):
        await page.request()
    refused = await page.ask("POST", "/api/session/passkey/challenge")
    assert await code(refused) == (429, "rate_limited")


async def test_an_address_without_a_name_has_no_passkeys(start: Any) -> None:
    vds = await start(origin="http://192.0.2.1:8080")
    response = await vds.post("/api/session/passkey/challenge", origin="http://192.0.2.1:8080")
    assert await code(response) == (404, "passkeys_unavailable")


async def test_over_https_the_challenges_cookie_is_bound_to_the_host(start: Any) -> None:
    origin = "https://hearth.example"
    vds = await start(origin=origin)
    response = await vds.post("/api/session/passkey/challenge", origin=origin)
    cookie = response.cookies["__Host-hearth-passkey"]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Strict")
    assert cookie["max-age"] == str(CHALLENGE_SECONDS)
    assert (await response.json())["rp_id"] == "hearth.example"


async def test_passkeys_outlive_the_server(start: Any) -> None:
    vds = await start()
    ann = Browser(vds, await vds.person("Ann"))
    key = Authenticator(ORIGIN)
    await ann.make(key)
    await vds.server.close()
    assert (await Browser(await start()).log_in(key)).status == 200
