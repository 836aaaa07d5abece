"""The app's files, their caching, and the policy they run under."""

import gzip
from pathlib import Path
from typing import Any

import pytest

HTML = {"Accept": "text/html,*/*"}


@pytest.fixture
async def vds(start: Any, tmp_path: Path) -> Any:
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<!doctype html>the page")
    (dist / "assets" / "app-1a2b.js").write_text("let app")
    (dist / "assets" / "app-1a2b.js.br").write_bytes(b"brotli")
    (dist / "assets" / "app-1a2b.js.gz").write_bytes(gzip.compress(b"let app"))
    (dist / "sw.js").write_text("let worker")
    (dist / "manifest.webmanifest").write_text("{}")
    (tmp_path / "secret.txt").write_text("secret")
    return await start(pwa=dist)


@pytest.mark.parametrize(
    ("path", "cache", "kind"),
    [
        ("/", "no-cache", "text/html"),
        ("/index.html", "no-cache", "text/html"),
        ("/sw.js", "no-cache", "text/javascript"),
        ("/manifest.webmanifest", "no-cache", "application/manifest+json"),
        ("/assets/app-1a2b.js", "public, max-age=31536000, immutable", "text/javascript"),
    ],
)
async def test_files_and_how_long_they_may_be_kept(
    vds: Any, path: str, cache: str, kind: str
) -> None:
    response = await vds.get(path, **HTML)
    assert response.status == 200
    assert response.headers["Cache-Control"] == cache
    assert response.content_type == kind


@pytest.mark.parametrize("encoding", ["br", "gzip"])
async def test_the_compressed_sibling_is_served(vds: Any, encoding: str) -> None:
    response = await vds.get("/assets/app-1a2b.js", Accept_Encoding=encoding)
    assert response.headers["Content-Encoding"] == encoding
    assert response.headers["Vary"] == "Accept-Encoding"
    assert response.content_type == "text/javascript"
    body = await response.read()
    assert body == b"brotli" if encoding == "br" else gzip.decompress(body) == b"let app"


async def test_an_unchanged_file_is_not_sent_again(vds: Any) -> None:
    tag = (await vds.get("/index.html")).headers["ETag"]
    response = await vds.get("/index.html", If_None_Match=tag)
    assert (response.status, await response.read()) == (304, b"")
    assert "Content-Security-Policy" in response.headers


@pytest.mark.parametrize("path", ["/login", "/settings", "/chats/0190-abc"])
async def test_a_page_that_the_app_routes_gets_the_app(vds: Any, path: str) -> None:
    response = await vds.get(path, **HTML)
    assert (response.status, await response.text()) == (200, "<!doctype html>the page")
    assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/login", "*/*"),
        ("/assets/gone-3c4d.js", "text/html"),
        ("/favicon.ico", "text/html"),
        ("/api/nothing", "text/html"),
        ("/api/", "text/html"),
        ("/.well-known/nothing", "text/html"),
        ("/assets/app-1a2b.js.br", "*/*"),
        ("/../secret.txt", "*/*"),
        ("/%2e%2e/secret.txt", "*/*"),
        ("/assets/..%2f..%2fsecret.txt", "*/*"),
        ("/assets/%00", "*/*"),
    ],
)
async def test_everything_else_is_a_problem(vds: Any, path: str, accept: str) -> None:
    response = await vds.get(path, Accept=accept)
    assert response.status == 404
    assert (await response.json())["code"] == "not_found"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE"])
async def test_no_method_but_the_promised_ones(vds: Any, method: str) -> None:
    for path in ("/", "/api/signaling", "/api/nothing"):
        response = await vds.post(path, method=method)
        assert (response.status, (await response.json())["code"]) == (404, "not_found")


async def test_without_a_built_app_there_is_only_the_api(start: Any) -> None:
    vds = await start()
    assert (await vds.get("/", **HTML)).status == 404
    assert (await vds.get("/healthz")).status == 200
