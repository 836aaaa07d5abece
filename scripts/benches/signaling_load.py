"""The load on the signaling server, a process of its own: relayed signals, or idle sockets.

`signaling_server.py` starts it, and the bare relay that it is compared with.
"""

import asyncio
import contextlib
import json
import secrets
import sys
import time

import aiohttp
import jwt
import uvloop
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websocket_client import Socket

from signaling.config import home_id

IDLE = 10_000
ACCOUNTS = 100
PAIRS = 32
IN_FLIGHT = 2  # messages on the way in each direction of a pair
RELAY_S = 4.0
WARM_UP_S = 1.0
SDP_CHARS = 2_000
STAMP = 20  # digits of a time in ns
MARK = b'"sdp":"'


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


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve-bare", port]:
            uvloop.run(bare(int(port)))
        case [what, port]:
            uvloop.run(load(what, int(port)))
