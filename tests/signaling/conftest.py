"""A real server on loopback with real SQLite, people and homes that talk to it, and its clocks."""

import base64
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import VERSION, codec
from protocol.signaling import (
    Authenticate,
    Authenticated,
    FromVds,
    JoinRoom,
    Ping,
    Pong,
    PostSignal,
    Signal,
)
from signaling.app import make_app
from signaling.clock import Clock
from signaling.config import Settings, home_id

ORIGIN = "http://hearth.test"
PASSWORD = "correct horse battery"
PATIENCE_S = 10  # how long a test waits for what must come


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Time:
    """Clocks that stand still until a test moves them."""

    wall: float = 1_790_000_000.0
    steady: float = 1_000.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    @property
    def clock(self) -> Clock:
        return Clock(wall=lambda: self.wall, steady=lambda: self.steady)


@dataclass
class HomeKey:
    """A home's identity."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def raw(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def id(self) -> str:
        return home_id(self.raw)

    def assertion(self, now: float, **changes: Any) -> str:
        headers = {"typ": "home+jwt", "kid": self.id, **changes.pop("headers", {})}
        claims = {
            "iss": self.id,
            "sub": self.id,
            "aud": ORIGIN,
            "iat": int(now),
            "exp": int(now) + 60,
            "jti": secrets.token_hex(8),
            "name": "Kitchen PC",
            **changes,
        }
        return jwt.encode(claims, self.key, "EdDSA", headers=headers)


@dataclass
class Peer:
    """One end of a signaling socket."""

    socket: aiohttp.ClientWebSocketResponse
    welcome: Authenticated | None = None

    @property
    def id(self) -> str:
        assert self.welcome
        return self.welcome.peer

    @property
    def room(self) -> str:
        assert self.welcome
        return self.welcome.rooms[0].id

    async def send(self, message: Any) -> None:
        await self.socket.send_str(codec.encode(message).decode())

    async def receive(self) -> FromVds:
        return codec.from_vds.decode(await self.socket.receive_str(timeout=PATIENCE_S))

    async def authenticate(self, token: str) -> Authenticated:
        await self.send(Authenticate(version=VERSION, token=token))
        answer = await self.receive()
        assert isinstance(answer, Authenticated), answer
        self.welcome = answer
        return answer

    async def join(self, room: str | None = None) -> FromVds:
        await self.send(JoinRoom(room=room or self.room))
        return await self.receive()

    async def post(self, to: str, signal: Signal, room: str | None = None) -> None:
        await self.send(PostSignal(room=room or self.room, to=to, signal=signal))

    async def quiet(self) -> None:
        """Nothing was sent to us before the answer to this ping."""
        await self.send(Ping())
        assert await self.receive() == Pong()

    async def closed(self) -> int | None:
        """Wait for the other side to close and give its code."""
        frame = await self.socket.receive(timeout=PATIENCE_S)
        assert frame.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED), frame
        return self.socket.close_code


@dataclass
class Person:
    """Somebody with a browser: an account, an access token, and the cookie."""

    vds: "Vds"
    name: str
    session: dict[str, Any]
    cookie: str

    @property
    def token(self) -> str:
        return str(self.session["access_token"])

    async def connect(self) -> Peer:
        peer = await self.vds.socket()
        await peer.authenticate(self.token)
        return peer

    async def refresh(self, cookie: str | None = None) -> aiohttp.ClientResponse:
        response = await self.vds.post("/api/session/refresh", cookie=cookie or self.cookie)
        if response.status == 200:
            self.cookie = response.cookies["hearth"].value
            self.session = await response.json()
        return response


@dataclass
class Vds:
    """The server under test."""

    settings: Settings
    time: Time
    http: aiohttp.ClientSession
    server: TestServer
    homes: list[HomeKey]
    until: contextlib.AsyncExitStack

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.port}{path}"

    async def get(self, path: str, **headers: str) -> aiohttp.ClientResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.get(self.url(path), headers=named)

    async def post(
        self,
        path: str,
        body: Any = None,
        *,
        origin: str | None = ORIGIN,
        cookie: str | None = None,
        method: str = "POST",
    ) -> aiohttp.ClientResponse:
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body else b""
        return await self.http.request(
            method,
            self.url(path),
            data=data,
            headers={"Origin": origin} if origin else {},
            cookies={"hearth": cookie} if cookie else {},
        )

    async def log_in(self, username: str, password: str) -> aiohttp.ClientResponse:
        return await self.post("/api/session", {"username": username, "password": password})

    async def log_out(self, cookie: str) -> aiohttp.ClientResponse:
        return await self.post("/api/session", cookie=cookie, method="DELETE")

    async def person(self, name: str) -> Person:
        response = await self.post("/api/accounts", {"username": name, "password": PASSWORD})
        assert response.status == 201, await response.text()
        cookie = response.cookies["hearth"].value
        return Person(self, name, await response.json(), cookie)

    async def socket(self, origin: str | None = ORIGIN) -> Peer:
        socket = await self.http.ws_connect(self.url("/api/signaling"), origin=origin)
        self.until.push_async_callback(socket.close)
        return Peer(socket)

    async def home(self, index: int = 0, name: str = "Kitchen PC") -> Peer:
        peer = await self.socket(origin=None)
        await peer.authenticate(self.homes[index].assertion(self.time.wall, name=name))
        return peer


StartVds = Callable[..., Awaitable[Vds]]


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def home_keys() -> list[HomeKey]:
    return [HomeKey(), HomeKey()]


@pytest.fixture
async def start(tmp_path: Path, time: Time, home_keys: list[HomeKey]) -> AsyncIterator[StartVds]:
    """Starts servers with the settings a test gives; ends them after it."""
    async with contextlib.AsyncExitStack() as stack:

        async def start_vds(**changes: Any) -> Vds:
            values: dict[str, Any] = {
                "data": tmp_path,
                "origin": ORIGIN,
                "home_keys": base64url(home_keys[0].raw),
                "password_memory_kib": 8,
                "password_passes": 1,
                **changes,
            }
            settings = Settings(_env_file=None, **values)
            server = TestServer(await make_app(settings, time.clock))
            await server.start_server(shutdown_timeout=0.5)
            stack.push_async_callback(server.close)
            http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False)
            await stack.enter_async_context(http)
            return Vds(settings, time, http, server, home_keys, stack)

        yield start_vds


@pytest.fixture
async def vds(start: StartVds) -> Vds:
    return await start()
