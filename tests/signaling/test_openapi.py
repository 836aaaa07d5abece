"""The document, the file and the real handlers say the same."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

import signaling
from signaling.openapi import OPERATIONS, document

FILE = Path(signaling.__file__).with_name("openapi.json")
DOCUMENT = document()
PASSWORD = "correct horse battery"
ANN = {"username": "Ann", "password": PASSWORD}


def test_the_file_is_the_document() -> None:
    assert json.loads(FILE.read_text("utf-8")) == DOCUMENT


def test_the_document_is_openapi() -> None:
    validate(DOCUMENT)


async def test_every_route_is_described(vds: Any) -> None:
    routes = {
        (route.method.lower(), route.resource.canonical)
        for route in vds.server.app.router.routes()
        if route.method != "HEAD" and "{" not in route.resource.canonical
    }
    assert routes == {(operation.method, operation.path) for operation in OPERATIONS}


async def check(response: Any) -> tuple[str, str, int]:
    """Hold a real answer against the document; give which of its answers it was."""
    method, path = response.method.lower(), response.url.path
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


async def test_the_handlers_answer_as_described(vds: Any, monkeypatch: Any) -> None:
    seen = set()
    for path in ("/api/openapi.json", "/.well-known/jwks.json", "/healthz", "/readyz", "/metrics"):
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
    promised = {
        (path, method, int(status))
        for path, methods in DOCUMENT["paths"].items()
        for method, described in methods.items()
        for status in described["responses"]
    }
    assert promised - seen == sockets


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_an_operation_refuses_with_the_status_of_its_errors(operation: Any) -> None:
    described = DOCUMENT["paths"][operation.path][operation.method]["responses"]
    for why in operation.refuses:
        status = why.status if hasattr(why, "status") else 400
        assert f"`{why.code}`" in described[str(status)]["description"]
