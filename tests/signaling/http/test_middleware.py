"""Headers on every answer, and what is logged and counted."""

import json
from typing import Any

import pytest
import structlog

from signaling.app import METRICS
from signaling.config import Settings
from signaling.http.middleware import security_headers

EXPECTED_POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self' ws://hearth.test",
    "manifest-src 'self'",
    "worker-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types vue hearth",
}


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/nothing", "/api/session", "/readyz"])
async def test_every_answer_is_locked_down(vds: Any, path: str) -> None:
    headers = (await vds.get(path)).headers
    assert set(headers["Content-Security-Policy"].split("; ")) == EXPECTED_POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=(self)" in headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in headers
    assert "Server" not in headers


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
@pytest.mark.parametrize("path", ["/", "/api/session", "/api/passkeys", "/.well-known/jwks.json"])
async def test_no_other_origin_is_let_in_to_read(vds: Any, method: str, path: str) -> None:
    asked = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    response = await vds.http.request(method, vds.url(path), headers=asked)
    assert not [name for name in response.headers if name.startswith("Access-Control-")]


async def test_over_https_every_answer_asks_for_https(start: Any) -> None:
    vds = await start(origin="https://hearth.example")
    for path in ("/", "/healthz", "/api/nothing", "/.well-known/jwks.json"):
        transport = (await vds.get(path)).headers["Strict-Transport-Security"]
        assert transport == "max-age=31536000; includeSubDomains"


async def test_the_apps_port_has_no_figures(vds: Any) -> None:
    assert (await vds.get("/metrics")).status == 404


def test_the_policy_names_the_socket_of_each_origin() -> None:
    local = security_headers(Settings(_env_file=None, port=8080))["Content-Security-Policy"]
    assert "connect-src 'self' ws://127.0.0.1:8080 ws://localhost:8080;" in local
    far = Settings(_env_file=None, origin="https://hearth.example")
    assert (
        "connect-src 'self' wss://hearth.example;"
        in security_headers(far)["Content-Security-Policy"]
    )


@pytest.mark.parametrize("door", ["http://localhost:8081", "http://[::1]:8081"])
def test_the_policy_names_the_socket_of_a_home_on_this_machine(door: str) -> None:
    local = Settings(_env_file=None, port=8080, local_home=door)
    policy = security_headers(local)["Content-Security-Policy"]
    assert "ws://localhost:8080 ws://127.0.0.1:8081;" in policy
    far = Settings(_env_file=None, origin="https://hearth.example", local_home=door)
    assert "ws://127" not in security_headers(far)["Content-Security-Policy"]


async def test_a_mistake_of_ours_is_a_problem_without_its_traceback(
    vds: Any, monkeypatch: Any
) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("the secret of Ann")

    monkeypatch.setattr("signaling.storage.sqlite.SqliteStorage.find_user", broken)
    with structlog.testing.capture_logs() as logs:
        response = await vds.log_in("Ann", "whatever")
    assert response.status == 500
    assert (await response.json())["code"] == "internal"
    assert "secret" not in await response.text()
    assert [entry["error"] for entry in logs if entry["event"] == "request_failed"] == [
        "RuntimeError"
    ]


async def test_logs_and_metrics_name_nobody(vds: Any) -> None:
    with structlog.testing.capture_logs() as logs:
        ann = await vds.person("Ann-of-the-logs")
        await vds.log_in("Ann-of-the-logs", "a wrong password")
        home, peer = await vds.home(name="Kitchen of the logs"), await ann.connect()
        await peer.join()
        await vds.get("/some/path-of-the-logs?token=of-the-logs")
    metrics = vds.server.app[METRICS].render().decode()
    heard = json.dumps(logs) + metrics
    for secret in (
        "of-the-logs",
        "of the logs",
        "wrong password",
        ann.token,
        ann.cookie,
        peer.room,
    ):
        assert secret not in heard
    assert ann.session["user"]["id"] not in metrics
    assert 'route="/api/accounts",status="201"} 1.0' in metrics
    assert 'hearth_refusals_total{code="wrong_credentials"} 1.0' in metrics
    assert 'hearth_peers_online{role="home"} 1.0' in metrics
    assert {"method": "POST", "route": "/api/session", "status": 401}.items() <= next(
        e for e in logs if e.get("status") == 401
    ).items()
    await home.socket.close()
