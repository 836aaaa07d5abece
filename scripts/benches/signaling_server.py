"""Measures the signaling server on this machine against its budgets.

Each round starts the real server as a process with a fresh data folder, relays 2 KB signals both
ways between devices and homes for a few seconds, then opens idle device sockets and sees what
each adds to the server's memory. Beside it, in the same round, a bare aiohttp relay that knows
no accounts, rooms or limits is given the same load. The load comes from a process of its own.
Medians of the rounds, with the lowest and highest, are reported.
"""

import asyncio
import base64
import contextlib
import json
import os
import resource
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import aiohttp
import jwt
import uvloop
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from signaling.config import home_id

ROOT = Path(__file__).resolve().parents[2]

ME = str(Path(__file__).resolve())
ROUNDS = 3
IDLE = 10_000
ACCOUNTS = 100
PAIRS = 32
IN_FLIGHT = 2  # messages on the way in each direction of a pair
RELAY_S = 4.0
WARM_UP_S = 1.0
SDP_CHARS = 2_000
BUDGET_KIB, BUDGET_PER_S, BUDGET_P99_MS = 20.0, 5_000.0, 100.0
STAMP = 20  # digits of a time in ns
MARK = b'"sdp":"'

WIDE_OPEN = {
    "HEARTH_LIMIT_REGISTRATIONS_PER_HOUR": "100000",
    "HEARTH_LIMIT_SOCKETS_PER_ACCOUNT": "100000",
    "HEARTH_LIMIT_SOCKETS_PER_ADDRESS": "100000",
    "HEARTH_LIMIT_MESSAGES_PER_S": "1000000",
    "HEARTH_LIMIT_MESSAGE_BURST": "1000000",
    "HEARTH_PASSWORD_MEMORY_KIB": "8",  # passwords are not what is measured
    "HEARTH_PASSWORD_PASSES": "1",
    "HEARTH_LOG_LEVEL": "warning",
}


class Socket(asyncio.Protocol):
    """A WebSocket client just good enough for measuring: it must cost less than the server."""

    def __init__(self, port: int, path: str, origin: str) -> None:
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: Upgrade\r\n"
            f"Upgrade: websocket\r\nOrigin: {origin}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(secrets.token_bytes(16)).decode()}\r\n\r\n"
        ).encode()
        self._buffer = b""
        self._open = False
        self._messages: asyncio.Queue[bytes] | None = asyncio.Queue()
        self.on_message: Callable[[bytes], None] = self._messages.put_nowait

    @classmethod
    async def connect(cls, port: int, path: str, origin: str) -> "Socket":
        socket = cls(port, path, origin)
        await asyncio.get_running_loop().create_connection(lambda: socket, "127.0.0.1", port)
        return socket

    async def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        self.send(json.dumps(message).encode())
        return await self.next()

    async def next(self) -> dict[str, Any]:
        assert self._messages
        answer: dict[str, Any] = json.loads(await self._messages.get())
        assert answer["type"] != "error", answer
        return answer

    def listen(self, on_message: Callable[[bytes], None]) -> None:
        self.on_message, self._messages = on_message, None

    def send(self, payload: bytes, opcode: int = 1) -> None:
        # A mask of zeros is a mask (RFC 6455, section 5.3) and leaves the payload as it is.
        size = len(payload)
        header = bytes([0x80 | opcode])
        header += bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        self._transport.write(header + b"\0\0\0\0" + payload)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not a subclass of it
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data
        if not self._open:
            head, found, rest = buffer.partition(b"\r\n\r\n")
            if found:
                assert b" 101 " in head, head
                self._open, buffer = True, rest
        start = 0
        while self._open and len(buffer) >= start + 2:
            size, at = buffer[start + 1], start + 2
            if size == 126:
                size, at = int.from_bytes(buffer[at : at + 2], "big"), at + 2
            elif size == 127:
                size, at = int.from_bytes(buffer[at : at + 8], "big"), at + 8
            if len(buffer) < at + size:
                break
            self._handle(buffer[start] & 15, buffer[at : at + size])
            start = at + size
        self._buffer = buffer[start:]

    def _handle(self, opcode: int, payload: bytes) -> None:
        if opcode == 1:
            self.on_message(payload)
        elif opcode == 9:
            self.send(payload, opcode=10)


class Relayed:
    """Counts what comes through and how long it took, and answers each with the next."""

    def __init__(self) -> None:
        self.counting = False
        self.times_ns: list[int] = []

    def through(self, socket: Socket, template: bytes) -> None:
        before, _, after = template.partition(b"@" * STAMP)

        def send() -> None:
            socket.send(before + b"%020d" % time.perf_counter_ns() + after)

        def receive(message: bytes) -> None:
            at = message.index(MARK) + len(MARK)
            if self.counting:
                self.times_ns.append(time.perf_counter_ns() - int(message[at : at + STAMP]))
            send()

        socket.listen(receive)
        for _ in range(IN_FLIGHT):
            send()

    async def measure(self) -> dict[str, float]:
        await asyncio.sleep(WARM_UP_S)
        self.counting = True
        began = time.perf_counter()
        await asyncio.sleep(RELAY_S)
        self.counting = False
        took = time.perf_counter() - began
        times = sorted(self.times_ns)
        return {"per_s": len(times) / took, "p99_ms": times[len(times) * 99 // 100] / 1e6}


def signal_to(room: str, peer: str) -> bytes:
    sdp = "@" * STAMP + "x" * (SDP_CHARS - STAMP)
    signal = {"type": "offer", "connection": "c", "sdp": sdp}
    message = {"type": "post_signal", "room": room, "to": peer, "signal": signal}
    return json.dumps(message, separators=(",", ":")).encode()


async def registered(port: int, origin: str, count: int) -> list[str]:
    """Make accounts and give their access tokens."""
    tokens = []
    async with aiohttp.ClientSession(headers={"Origin": origin}) as http:
        for _ in range(count):
            body = {"username": secrets.token_hex(8), "password": secrets.token_hex(8)}
            url = f"http://127.0.0.1:{port}/api/accounts"
            async with http.post(url, json=body) as response:
                tokens.append((await response.json())["access_token"])
    return tokens


def home_key(number: int) -> Ed25519PrivateKey:
    """The same in the process that starts the server and in the one that loads it."""
    return Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))


def assertion(key: Ed25519PrivateKey, origin: str) -> str:
    me, now = home_id(key.public_key().public_bytes_raw()), int(time.time())
    claims = {"iss": me, "sub": me, "aud": origin, "iat": now, "exp": now + 60, "name": "Bench"}
    headers = {"typ": "home+jwt", "kid": me}
    return jwt.encode({**claims, "jti": secrets.token_hex(8)}, key, "EdDSA", headers=headers)


async def relay_through_hearth(port: int, origin: str) -> Relayed:
    relayed = Relayed()
    for number, token in enumerate(await registered(port, origin, PAIRS)):
        key = home_key(number)
        home, device = [await Socket.connect(port, "/api/signaling", origin) for _ in range(2)]
        hello = await home.ask(
            {"type": "authenticate", "version": 1, "token": assertion(key, origin)}
        )
        welcome = await device.ask({"type": "authenticate", "version": 1, "token": token})
        (room,) = {r["id"] for r in welcome["rooms"]} & {r["id"] for r in hello["rooms"]}
        await device.ask({"type": "join_room", "room": room})
        await home.next()
        relayed.through(home, signal_to(room, welcome["peer"]))
        relayed.through(device, signal_to(room, hello["peer"]))
    return relayed


async def relay_through_bare(port: int) -> Relayed:
    relayed = Relayed()
    for pair in range(PAIRS):
        sides = [await Socket.connect(port, f"/{pair}/{side}", "http://bench") for side in (0, 1)]
        for side in sides:
            await side.next()
        for side in sides:
            relayed.through(side, signal_to("r" * 32, "p" * 16))
    return relayed


async def hold_idle(port: int, origin: str) -> list[Socket]:
    tokens = await registered(port, origin, ACCOUNTS)
    sockets: list[Socket] = []
    gate = asyncio.Semaphore(64)

    async def hold(token: str) -> None:
        async with gate:
            socket = await Socket.connect(port, "/api/signaling", origin)
            welcome = await socket.ask({"type": "authenticate", "version": 1, "token": token})
            await socket.ask({"type": "join_room", "room": welcome["rooms"][0]["id"]})
            sockets.append(socket)

    await asyncio.gather(*(hold(tokens[number % ACCOUNTS]) for number in range(IDLE)))
    return sockets


async def load(what: str, port: int) -> None:
    """The process that makes the load: does as told, says what it measured."""
    origin = f"http://localhost:{port}"
    if what == "idle":
        sockets = await hold_idle(port, origin)
        print(json.dumps({"open": len(sockets)}), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        return
    if what == "bare":
        relayed = await relay_through_bare(port)
    else:
        relayed = await relay_through_hearth(port, origin)
    print(json.dumps(await relayed.measure()), flush=True)


async def bare(port: int) -> None:
    """The peer: what aiohttp does with no Hearth around it."""
    ends: dict[tuple[str, str], web.WebSocketResponse[bool]] = {}

    async def relay(request: web.Request) -> web.StreamResponse:
        pair, side = request.match_info["pair"], request.match_info["side"]
        end = web.WebSocketResponse(compress=False, decode_text=False, heartbeat=20)
        await end.prepare(request)
        ends[pair, side] = end
        await end.send_str('{"type":"hello"}')
        with contextlib.suppress(ConnectionError):  # the load has ended
            async for frame in end:
                await ends[pair, "1" if side == "0" else "0"].send_frame(frame.data, frame.type)
        return end

    app = web.Application()
    app.add_routes([web.get("/{pair}/{side}", relay)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def started(command: list[str], **environment: str) -> "Iterator[subprocess.Popen[str]]":
    """A Python process that is gone afterwards, whatever happened."""
    process = subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("The server did not start.")


def resident_kib(process: "subprocess.Popen[str]") -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def told(process: "subprocess.Popen[str]") -> dict[str, float]:
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        raise SystemExit("The load generator failed.")
    answer: dict[str, float] = json.loads(line)
    return answer


@contextlib.contextmanager
def hearth(homes: int) -> "Iterator[tuple[int, subprocess.Popen[str]]]":
    """The real server, with nothing in its data folder and so many homes admitted."""
    port = free_port()
    keys = [home_key(number).public_key().public_bytes_raw() for number in range(homes)]
    with tempfile.TemporaryDirectory() as data:
        settings = {
            "HEARTH_DATA": data,
            "HEARTH_PORT": str(port),
            "HEARTH_HOST": "127.0.0.1",
            "HEARTH_ORIGIN": f"http://localhost:{port}",
            "HEARTH_HOME_KEYS": ",".join(base64.urlsafe_b64encode(key).decode() for key in keys),
        }
        with started(["-m", "signaling"], **settings, **WIDE_OPEN) as server:
            wait_for(port)
            yield port, server


def relay() -> dict[str, float]:
    with hearth(homes=PAIRS) as (port, _), started([ME, "load", "hearth", str(port)]) as load:
        return told(load)


def idle() -> dict[str, float]:
    with hearth(homes=1) as (port, server):
        before = resident_kib(server)
        with started([ME, "load", "idle", str(port)]) as load:
            opened = told(load)["open"]
            return {"kib": (resident_kib(server) - before) / opened}


def through_bare() -> dict[str, float]:
    port = free_port()
    with started([ME, "bare", str(port)]):
        wait_for(port)
        with started([ME, "load", "bare", str(port)]) as load:
            return told(load)


def one_round() -> dict[str, float]:
    through_hearth, peer = relay(), through_bare()
    return {
        **idle(),
        **through_hearth,
        "bare_per_s": peer["per_s"],
        "bare_p99_ms": peer["p99_ms"],
        "ratio": through_hearth["per_s"] / peer["per_s"],
    }


def short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main() -> int:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < IDLE + 1_000:
        print(f"This machine allows {hard} open files; {IDLE + 1_000} are needed (ulimit -n).")
        return 1
    rounds = []
    for number in range(ROUNDS):
        rounds.append(one_round())
        shown = ", ".join(f"{name} {short(value)}" for name, value in rounds[-1].items())
        print(f"round {number + 1} of {ROUNDS}: {shown}", flush=True)

    def middle(name: str) -> float:
        return statistics.median(r[name] for r in rounds)

    def spread(name: str) -> str:
        values = [r[name] for r in rounds]
        return f"{short(min(values))} to {short(max(values))}"

    print(
        f"bare aiohttp relay: {middle('bare_per_s'):,.0f} messages/s ({spread('bare_per_s')}), "
        f"p99 {middle('bare_p99_ms'):.0f} ms; Hearth does {middle('ratio'):.2f} of it "
        f"({spread('ratio')})"
    )
    kib, per_s, p99 = middle("kib"), middle("per_s"), middle("p99_ms")
    print(
        f"signaling: {kib:.1f} KiB per idle socket of {IDLE:,} ({spread('kib')}; budget "
        f"{BUDGET_KIB:.0f}), {per_s:,.0f} relayed messages/s ({spread('per_s')}; budget "
        f"{BUDGET_PER_S:,.0f}), p99 {p99:.0f} ms ({spread('p99_ms')}; budget {BUDGET_P99_MS:.0f})"
    )
    return 0 if kib <= BUDGET_KIB and per_s >= BUDGET_PER_S and p99 <= BUDGET_P99_MS else 1


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["load", what, port]:
            uvloop.run(load(what, int(port)))
        case ["bare", port]:
            uvloop.run(bare(int(port)))
        case _:
            sys.exit(main())
