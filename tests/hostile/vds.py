"""A hostile VDS as a process: a reverse proxy in front of a real one, which it otherwise obeys.

    python -m tests.hostile.vds --upstream 8080 --port 8081 --mode swap

Says one line of JSON for its start and one for each message that it could read on a data channel.
Files of the app are passed on as they are: who serves a changed app is another attack.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import WSMsgType, web

from protocol import codec
from protocol.errors import ProtocolError
from protocol.signaling import (
    Answer,
    Candidate,
    Offer,
    PostSignal,
    Refusal,
    RoomPeer,
    Signal,
    SignalPosted,
)
from tests.hostile.descriptions import swap_fingerprint
from tests.hostile.device import Declined
from tests.hostile.ledger import Direction, Ledger
from tests.hostile.middle import Middle
from tests.hostile.own_home import OwnHome

MODES = ("honest", "swap", "edit-fingerprint", "own-home")
PATH = "/api/signaling"
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer"}
FRAME_BYTES = 4 * 1024 * 1024

Say = Callable[[str], Awaitable[None]]


def tell(**what: object) -> None:
    print(json.dumps(what), flush=True)


def note(direction: Direction, kind: str, is_chat: bool) -> None:
    tell(event="heard", way=direction.value, type=kind, chat=is_chat)


class Meddler:
    """What is done to the messages of one device's signaling socket."""

    def __init__(self, mode: str, to_device: Say, to_vds: Say) -> None:
        self._mode = mode
        self._to_device, self._to_vds = to_device, to_vds
        self._answers: dict[str, asyncio.Future[Answer | Refusal]] = {}
        self._middles: dict[str, Middle | OwnHome] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def from_device(self, text: str) -> None:
        match _decoded(codec.to_vds, text):
            case PostSignal(signal=Offer() as offer) as post if self._mode in ("swap", "own-home"):
                task = asyncio.ensure_future(self._answer(post, offer))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case PostSignal(signal=Candidate() as candidate) if candidate.connection in (
                self._middles
            ):
                await self._middles[candidate.connection].device.add_candidate(candidate)
            case _:
                await self._to_vds(text)

    async def from_vds(self, text: str) -> None:
        message = _decoded(codec.from_vds, text)
        match message:
            case SignalPosted(signal=(Answer() | Refusal()) as signal) if (
                signal.connection in self._answers
            ):
                self._answers.pop(signal.connection).set_result(signal)
            case SignalPosted(signal=Answer() as answer) if self._mode == "edit-fingerprint":
                edited = Answer(connection=answer.connection, sdp=swap_fingerprint(answer.sdp))
                await self._say(message.room, message.sender, edited)
            case _:
                await self._to_device(text)

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()

    async def hang_up(self) -> None:
        """End the connections, which outlive the socket."""
        for middle in self._middles.values():
            await middle.close()

    async def _answer(self, post: PostSignal, offer: Offer) -> None:
        ledger = Ledger(note)
        middle = Middle(ledger=ledger) if self._mode == "swap" else OwnHome(ledger)
        self._middles[offer.connection] = middle

        async def home(sdp: str) -> str:
            asked = PostSignal(
                room=post.room, to=post.to, signal=Offer(connection=offer.connection, sdp=sdp)
            )
            self._answers[offer.connection] = asyncio.get_running_loop().create_future()
            await self._to_vds(codec.encode(asked).decode())
            signal = await self._answers[offer.connection]
            if isinstance(signal, Refusal):
                raise Declined(signal.code)
            return signal.sdp

        signal: Signal
        try:
            sdp = await middle.towards(home)(offer.sdp)
            signal = Answer(connection=offer.connection, sdp=sdp)
        except Declined as declined:
            signal = Refusal(connection=offer.connection, code=declined.code, message="")
        await self._say(post.room, RoomPeer(id=post.to, role="home"), signal)

    async def _say(self, room: str, sender: RoomPeer, signal: Signal) -> None:
        posted = SignalPosted(room=room, sender=sender, signal=signal)
        await self._to_device(codec.encode(posted).decode())


class Proxy:
    """Hands everything on, but what the meddler keeps."""

    def __init__(self, upstream: int, mode: str) -> None:
        self._upstream = f"http://localhost:{upstream}"
        self._mode = mode
        self._meddlers: list[Meddler] = []

    async def run(self, app: web.Application) -> Any:
        """Have a client for as long as the server runs."""
        jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(auto_decompress=False, cookie_jar=jar) as self._http:
            yield
            for meddler in self._meddlers:
                await meddler.hang_up()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._pass_on(request)
        except aiohttp.ClientError:
            raise web.HTTPBadGateway from None  # the real one is down, as it may be

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        if request.path == PATH and "upgrade" in request.headers.get("Connection", "").lower():
            return await self._socket(request)
        answer = await self._http.request(
            request.method,
            self._upstream + request.raw_path,
            headers=_end_to_end(request.headers),
            data=await request.read() or None,
            allow_redirects=False,
        )
        async with answer:
            response = web.StreamResponse(status=answer.status, headers=_end_to_end(answer.headers))
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            await response.write_eof()
            return response

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        kept = {k: v for k, v in request.headers.items() if k in ("Origin", "Cookie", "User-Agent")}
        near = web.WebSocketResponse(max_msg_size=FRAME_BYTES)
        async with self._http.ws_connect(
            self._upstream + PATH, headers=kept, max_msg_size=FRAME_BYTES
        ) as far:
            await near.prepare(request)
            meddler = Meddler(self._mode, near.send_str, far.send_str)
            self._meddlers.append(meddler)
            ways = [
                asyncio.ensure_future(_carry(near, meddler.from_device)),
                asyncio.ensure_future(_carry(far, meddler.from_vds)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await meddler.close()
            await near.close(code=far.close_code or aiohttp.WSCloseCode.GOING_AWAY)
        return near


async def _carry(socket: Any, say: Say) -> None:
    async for frame in socket:
        if frame.type is not WSMsgType.TEXT:
            return
        await say(frame.data)


def _decoded(decoder: codec.Decoder[Any], text: str) -> Any:
    try:
        return decoder.decode(text)
    except ProtocolError:
        return None


def _end_to_end(headers: Any) -> Any:
    kept = headers.copy()
    for name in HOP_BY_HOP:
        kept.popall(name, None)
    return kept


async def serve(port: int, upstream: int, mode: str) -> None:
    """Serve until cancelled."""
    proxy = Proxy(upstream, mode)
    app = web.Application()
    app.cleanup_ctx.append(proxy.run)
    app.router.add_route("*", "/{path:.*}", proxy.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "localhost", port)
        await site.start()
        tell(event="listening", mode=mode)
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="tests.hostile.vds")
    parser.add_argument("--upstream", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--mode", choices=MODES, required=True)
    chosen = parser.parse_args(arguments)
    asyncio.run(serve(chosen.port, chosen.upstream, chosen.mode))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(0)
