"""The document, the file and the real handlers say the same."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

import signaling
from signaling.openapi import document
from signaling.operations import OPERATIONS
from tests.signaling.authenticator import Authenticator, base64url

FILE = Path(signaling.__file__).with_name("openapi.json")
DOCUMENT = document()
PASSWORD = "correct horse battery"
CATCH_ALL = ("/api/{unknown}", "/{path}")
LOCAL_HOME = "/api/local-home"
ANN = {"username": "Ann", "password": PASSWORD}


def test_the_file_is_the_document() -> None:
    assert json.loads(FILE.read_text("utf-8")) == DOCUMENT


def test_the_document_is_openapi() -> None:
    validate(DOCUMENT)


async def test_every_route_is_described(vds: Any) -> None:
    routes = {
        (route.method.lower(), route.resource.canonical)
        for route in vds.server.app.router.routes()
        if route.method != "HEAD" and route.resource.canonical not in CATCH_ALL
    }
    assert routes == {(operation.method, operation.path) for operation in OPERATIONS}


async def check(response: Any) -> tuple[str, str, int]:
    """Hold a real answer against the document; give which of its answers it was."""
    method = response.method.lower()
    path = re.sub(r"^/api/passkeys/(?!challenge$).+", "/api/passkeys/{passkey}", response.url.path)
    path = re.sub(r"^/api/account/sessions/.+", "/api/account/sessions/{session}", path)
    path = re.sub(r"^/api/signaling/poll/[^/]+", "/api/signaling/poll/{poll}", path)
    described = DOCUMENT["paths"][path][method]["responses"]
    assert str(response.status) in described, f"{method} {path} {response.status} is not described"
    content = described[str(response.status)].get("content")
    if content is None:
        assert await response.read() == b""
    elif "application/json" in content:
        assert response.content_type == "application/json"
        schema = {
            **content["application/json"].get("schema", {}),
            "components": DOCUMENT["components"],
        }
        body = await response.json()
        jsonschema.validate(body, schema)
        if response.status >= 400:
            assert f"`{body['code']}`" in described[str(response.status)]["description"]
    else:
        assert response.content_type in content
    return path, method, response.status


PASSKEY_PATHS = (
    ("POST", "/api/passkeys/challenge"),
    ("POST", "/api/passkeys"),
    ("GET", "/api/passkeys"),
    ("DELETE", "/api/passkeys/abcd"),
)
LOG_IN_PATHS = (("POST", "/api/session/passkey/challenge"), ("POST", "/api/session/passkey"))


async def ask(vds: Any, method: str, path: str, body: Any = None, **headers: str) -> Any:
    named = {"Origin": vds.settings.origin, **headers}
    data = body if isinstance(body, bytes) else json.dumps(body).encode() if body else b""
    return await vds.http.request(method, vds.url(path), data=data, headers=named)


async def test_the_passkey_handlers_answer_as_described(start: Any, monkeypatch: Any) -> None:
    seen = set()
    vds = await start(limit_registrations_per_hour=100, limit_requests_per_address=5)
    ann = await vds.person("Ann")
    token = {"Authorization": f"Bearer {ann.token}"}
    key = Authenticator(vds.settings.origin)
    wanted = await ask(vds, "POST", "/api/passkeys/challenge", **token)
    seen.add(await check(wanted))
    made = await ask(vds, "POST", "/api/passkeys", key.make(await wanted.json()), **token)
    seen.add(await check(made))
    request = await ask(vds, "POST", "/api/session/passkey/challenge")
    seen.add(await check(request))
    cookie = {"Cookie": f"hearth-passkey={request.cookies['hearth-passkey'].value}"}
    said = key.sign(await request.json())
    for response in [
        await ask(vds, "POST", "/api/session/passkey", said, **cookie),
        await ask(vds, "POST", "/api/session/passkey", said),
        await ask(vds, "POST", "/api/session/passkey", b"{"),
        await ask(vds, "POST", "/api/session/passkey", b"x" * 20_000),
        await ask(vds, "POST", "/api/passkeys", b"{", **token),
        await ask(vds, "POST", "/api/passkeys", b"x" * 20_000, **token),
        await ask(
            vds, "POST", "/api/passkeys", key.make({**said, "challenge": "", "rp_id": "x"}), **token
        ),
        await ask(vds, "GET", "/api/passkeys", **token),
        await ask(vds, "DELETE", "/api/passkeys/abcd", **token),
        await ask(vds, "DELETE", "/api/passkeys/a", **token),
        *[await ask(vds, method, path) for method, path in PASSKEY_PATHS],
        *[
            await ask(vds, method, path, Origin="https://evil.example")
            for method, path in (*PASSKEY_PATHS, *LOG_IN_PATHS)
            if method != "GET"
        ],
        *[await ask(vds, "POST", "/api/session/passkey/challenge") for _ in range(5)],
        *[await ask(vds, "POST", "/api/session/passkey", said) for _ in range(30)],
    ]:
        seen.add(await check(response))
    carl = {"Authorization": f"Bearer {(await vds.person('Carl')).token}"}
    only = Authenticator(vds.settings.origin)
    wanted = await ask(vds, "POST", "/api/passkeys/challenge", **carl)
    await ask(vds, "POST", "/api/passkeys", only.make(await wanted.json()), **carl)
    monkeypatch.setattr("signaling.own_account.PASSKEYS_INSTEAD", 1)
    await ask(vds, "DELETE", "/api/account/password", **carl)
    seen.add(await check(await ask(vds, "DELETE", f"/api/passkeys/{base64url(only.id)}", **carl)))
    bob = await vds.person("Bob")
    many = {"Authorization": f"Bearer {bob.token}"}
    monkeypatch.setattr("signaling.passkeys.PASSKEYS_PER_PERSON", 0)
    seen.add(await check(await ask(vds, "POST", "/api/passkeys/challenge", **many)))
    monkeypatch.setattr("signaling.passkeys.PASSKEYS_PER_PERSON", 1)
    wanted = await ask(vds, "POST", "/api/passkeys/challenge", **many)
    monkeypatch.setattr("signaling.passkeys.PASSKEYS_PER_PERSON", 0)
    late = Authenticator(vds.settings.origin).make(await wanted.json())
    seen.add(await check(await ask(vds, "POST", "/api/passkeys", late, **many)))
    monkeypatch.undo()
    for method, path in PASSKEY_PATHS:
        for _ in range(60):
            response = await ask(vds, method, path, **many)
            if response.status == 429:
                break
        seen.add(await check(response))

    async def broken(*_: Any) -> None:
        raise RuntimeError

    vds.time.pass_by(290)
    await ann.refresh()
    token = {"Authorization": f"Bearer {ann.token}"}
    monkeypatch.setattr("signaling.storage.sqlite.SqliteStorage.is_live", broken)
    monkeypatch.setattr("signaling.storage.passkeys.SqlitePasskeys.find", broken)

    async def log_in() -> Any:
        request = await ask(vds, "POST", "/api/session/passkey/challenge")
        cookie = {"Cookie": f"hearth-passkey={request.cookies['hearth-passkey'].value}"}
        said = key.sign(await request.json())
        return await ask(vds, "POST", "/api/session/passkey", said, **cookie)

    failing = [
        *[lambda m=m, p=p: ask(vds, m, p, **token) for m, p in PASSKEY_PATHS],
        log_in,
    ]
    for call in failing:
        seen.add(await check(await call()))
    monkeypatch.undo()
    from signaling.app import STORAGE

    await vds.server.app[STORAGE].close()
    for call in failing:
        seen.add(await check(await call()))
    await vds.server.close()
    number = "http://192.0.2.1:8080"
    nameless = await start(origin=number)
    response = await nameless.post("/api/accounts", {**ANN, "username": "Eve"}, origin=number)
    token = {"Authorization": f"Bearer {(await response.json())['access_token']}"}
    body = {"/api/passkeys": late, "/api/session/passkey": said}
    for method, path in (*PASSKEY_PATHS[:2], *LOG_IN_PATHS):
        response = await ask(nameless, method, path, body.get(path), **token)
        assert response.status == 404
        seen.add(await check(response))
    assert {p for p in promised() if "/passkey" in p[0]} - seen == set()


def is_own(path: str) -> bool:
    return path == "/api/account" or path.startswith("/api/account/")


ACCOUNT_PATHS = tuple(
    (operation.method.upper(), operation.path.replace("{session}", "abc"))
    for operation in OPERATIONS
    if is_own(operation.path)
)
TAKES_PROOF = ("/api/account/proof", "/api/account/password", "/api/account/deletion")


async def test_the_handlers_of_ones_own_account_answer_as_described(
    start: Any, monkeypatch: Any
) -> None:
    seen = set()
    vds = await start(limit_login_failures_per_account=1000, limit_login_failures_per_address=1000)
    proof = {"password": PASSWORD}
    bodies = {
        "/api/account/proof": proof,
        "/api/account/password": {"password": PASSWORD, "proof": proof},
        "/api/account/deletion": proof,
    }

    async def everywhere(token: str, change: Any = lambda body: body, **headers: str) -> None:
        named = {"Authorization": f"Bearer {token}", **headers}
        for method, path in ACCOUNT_PATHS:
            body = bodies.get(path) if method in ("POST", "PUT") else None
            response = await ask(vds, method, path, change(body) if body else None, **named)
            seen.add(await check(response))

    ann = await vds.person("Ann")
    await everywhere(
        ann.token
    )  # her account goes before the notices are asked for: those are Bob's
    monkeypatch.setattr("signaling.own_account.PASSKEYS_INSTEAD", 0)
    bob = await vds.person("Bob")
    token = {"Authorization": f"Bearer {bob.token}"}
    for path in ("/api/account/notices", "/api/account/notices/seen"):
        method = "GET" if path.endswith("notices") else "POST"
        seen.add(await check(await ask(vds, method, path, **token)))
    await everywhere(bob.token, lambda _: b"{")
    await everywhere(bob.token, lambda _: b"x" * 20_000)
    await everywhere("no token")
    await everywhere(bob.token, Origin="https://evil.example")
    for _ in range(60):
        if (await ask(vds, "GET", "/api/account", **token)).status == 429:
            break
    await everywhere(bob.token)
    vds.time.pass_by(290)

    async def broken(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("signaling.storage.sqlite.SqliteStorage.is_live", broken)
    await everywhere(bob.token)
    monkeypatch.undo()
    from signaling.app import STORAGE

    await vds.server.app[STORAGE].close()
    await everywhere(bob.token)
    await vds.server.close()
    number = "http://192.0.2.1:8080"
    nameless = await start(origin=number)
    response = await nameless.post("/api/accounts", {**ANN, "username": "Eve"}, origin=number)
    token = {"Authorization": f"Bearer {(await response.json())['access_token']}"}
    said = Authenticator(number).sign({"challenge": "", "rp_id": ""})
    bodies = {path: {"passkey": said} for path in TAKES_PROOF}
    bodies["/api/account/password"] = {"password": PASSWORD, "proof": {"passkey": said}}
    for method, path in ACCOUNT_PATHS:
        if path.startswith(TAKES_PROOF) and method in ("POST", "PUT"):
            response = await ask(nameless, method, path, bodies.get(path), **token)
            assert response.status == 404
            seen.add(await check(response))
    assert {p for p in promised() if is_own(p[0])} - seen == set()


ROADS = ("/api/relay", "/api/session/home")
POLL = "/api/signaling/poll"


async def test_the_handlers_of_roads_answer_as_described(start: Any, monkeypatch: Any) -> None:
    seen = set()
    here = "http://localhost:8080"
    vds = await start(origin=here, limit_requests_per_session=3, turn_name="relay.example")

    async def relay(token: str) -> Any:
        return await vds.get("/api/relay", Authorization=f"Bearer {token}")

    async def log_in(assertion: str | None = None, **named: str) -> Any:
        return await ask(
            vds, "POST", "/api/session/home", {"assertion": assertion or owner()}, **named
        )

    def owner(**changes: Any) -> str:
        said = {"aud": here, "headers": {"typ": "home-login+jwt"}, **changes}
        return str(vds.homes[0].assertion(vds.time.wall, **said))

    token = (await (await log_in()).json())["access_token"]
    for response in [
        await log_in(),
        await log_in("nonsense"),
        await log_in(Origin="https://evil.example"),
        await ask(vds, "POST", "/api/session/home", b"{"),
        await ask(vds, "POST", "/api/session/home", b"x" * 20_000),
        *[await relay(token) for _ in range(4)],
        await relay("nonsense"),
        *[await log_in("nonsense") for _ in range(30)],
    ]:
        seen.add(await check(response))

    async def broken(*_: Any) -> None:
        raise RuntimeError

    vds.time.pass_by(290)
    monkeypatch.setattr("signaling.storage.sqlite.SqliteStorage.is_live", broken)
    monkeypatch.setattr("signaling.storage.sqlite.SqliteStorage.owner_of", broken)
    seen.update([await check(await relay(token)), await check(await log_in())])
    monkeypatch.undo()
    from signaling.app import STORAGE

    await vds.server.app[STORAGE].close()
    seen.update([await check(await relay(token)), await check(await log_in())])
    await vds.server.close()
    vds = await start()
    response = await vds.post("/api/session/home", {"assertion": "any"})
    seen.add(await check(response))
    assert {p for p in promised() if p[0] in ROADS} - seen == set()


async def test_the_handlers_of_polls_answer_as_described(start: Any, monkeypatch: Any) -> None:
    seen = set()
    vds = await start(limit_message_burst=9, limit_sockets_per_session=2, poll_wait_s=0.0)
    ann = await vds.person("Ann")
    evil = "https://evil.example"

    async def open_poll(token: str = ann.token, **named: str) -> Any:
        first = {"type": "authenticate", "version": 1, "token": token}
        return await ask(vds, "POST", POLL, first, **named)

    opened = await open_poll()
    poll = f"{POLL}/{(await opened.json())['poll']}"
    for response in [
        opened,
        await open_poll("nonsense"),
        await open_poll(Origin=evil),
        await ask(vds, "POST", POLL, b"{"),
        await ask(vds, "POST", POLL, b"x" * 40_000),
        await open_poll(),
        await open_poll(),
        await ask(vds, "GET", f"{poll}?after=0"),
        await ask(vds, "GET", f"{poll}?after=x"),
        await ask(vds, "GET", poll, Origin=evil),
        *[await ask(vds, "GET", poll) for _ in range(9)],
        await ask(vds, "POST", f"{poll}/messages?after=0", [{"type": "ping"}]),
        await ask(vds, "POST", f"{poll}/messages?after=x", []),
        await ask(vds, "POST", f"{poll}/messages", [], Origin=evil),
        await ask(vds, "POST", f"{poll}/messages", b"x" * 200_000),
        await ask(vds, "DELETE", poll, Origin=evil),
        await ask(vds, "DELETE", poll),
        await ask(vds, "GET", poll),
        await ask(vds, "POST", f"{poll}/messages", []),
    ]:
        seen.add(await check(response))

    async def broken(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("signaling.storage.sqlite.SqliteStorage.is_live", broken)
    seen.add(await check(await open_poll()))
    monkeypatch.undo()
    from signaling.app import STORAGE

    await vds.server.app[STORAGE].close()
    seen.add(await check(await open_poll()))
    assert {p for p in promised() if p[0].startswith(POLL)} - seen == set()


def promised() -> set[tuple[str, str, int]]:
    return {
        (path, method, int(status))
        for path, methods in DOCUMENT["paths"].items()
        for method, described in methods.items()
        for status in described["responses"]
    }


async def test_the_handlers_answer_as_described(start: Any, monkeypatch: Any) -> None:
    seen = set()
    at_home = await start(local_home="http://localhost:8081")
    seen.add(await check(await at_home.get(LOCAL_HOME)))
    await at_home.server.close()
    vds = await start(limit_requests_per_address=20)
    for path in ("/api/openapi.json", "/.well-known/jwks.json", "/healthz", "/readyz", LOCAL_HOME):
        seen.add(await check(await vds.get(path)))
    ann = await vds.person("Ann")
    for response in [
        await vds.post("/api/accounts", {**ANN, "username": "Bob"}),
        await vds.post("/api/accounts", ANN),
        await vds.post("/api/accounts", b"{"),
        await vds.post("/api/accounts", b"x" * 20_000),
        await vds.post("/api/accounts", ANN, origin=None),
        await vds.log_in("Ann", PASSWORD),
        await vds.log_in("Ann", "wrong"),
        await vds.post("/api/session", b"{"),
        await vds.post("/api/session", b"x" * 20_000),
        await vds.post("/api/session", ANN, origin=None),
        await ann.refresh(),
        await vds.post("/api/session/refresh"),
        await vds.post("/api/session/refresh", origin=None),
        await vds.log_out(ann.cookie),
        await ann.refresh(),
        await vds.post("/api/session", method="DELETE", origin=None),
        await vds.get("/api/signaling", Origin=vds.settings.origin),
        await vds.get("/api/signaling", Origin="https://evil.example"),
        *[await vds.post("/api/session/refresh", cookie=f"guess{i}") for i in range(20)],
        *[await vds.post("/api/accounts", {**ANN, "username": f"u{i}"}) for i in range(9)],
        *[await vds.log_in("Ann", "wrong") for i in range(10)],
    ]:
        seen.add(await check(response))

    async def broken(*_: Any) -> None:
        raise RuntimeError

    vds.time.pass_by(3600)
    for method in ("find_user", "create_user", "rotate", "revoke"):
        monkeypatch.setattr(f"signaling.storage.sqlite.SqliteStorage.{method}", broken)
    failing = [
        lambda: vds.post("/api/accounts", {**ANN, "username": "Eve"}),
        lambda: vds.log_in("Ann", PASSWORD),
        lambda: vds.post("/api/session/refresh", cookie=ann.cookie),
        lambda: vds.log_out(ann.cookie),
    ]
    for call in failing:
        seen.add(await check(await call()))
    monkeypatch.undo()
    from signaling.app import STORAGE

    await vds.server.app[STORAGE].close()
    for call in [*failing, lambda: vds.get("/readyz")]:
        seen.add(await check(await call()))

    sockets = {("/api/signaling", "get", 101), ("/api/signaling", "get", 429)}  # test_websocket
    others = {
        p
        for p in promised()
        if "/passkey" not in p[0] and not is_own(p[0]) and not p[0].startswith((*ROADS, POLL))
    }
    assert others - seen == sockets


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_an_operation_refuses_with_the_status_of_its_errors(operation: Any) -> None:
    described = DOCUMENT["paths"][operation.path][operation.method]["responses"]
    for why in operation.refuses:
        status = why.status if hasattr(why, "status") else 400
        assert f"`{why.code}`" in described[str(status)]["description"]
