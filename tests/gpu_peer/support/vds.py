"""A signaling server that only carries: one home, devices made by the test."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar, cast

from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from gpu_peer.transports.introducer import Introducer
from gpu_peer.transports.relay import PATH as RELAY
from gpu_peer.transports.signaling_socket import PATH
from protocol import VERSION, codec
from protocol.roads import RelayAccess
from protocol.signaling import (
    Authenticate,
    Authenticated,
    FromVds,
    Offer,
    PostSignal,
    RoomPeer,
    Signal,
    SignalPosted,
    ToVds,
    VouchForRoom,
)

V = TypeVar("V", bound="Vds")


class Vds:
    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.posted: asyncio.Queue[PostSignal] = asyncio.Queue()
        self.vouched: asyncio.Queue[str] = asyncio.Queue()
        self.access: RelayAccess | None = None
        self.relay_says: Callable[[], web.Response] | None = None
        self.bearers: asyncio.Queue[str] = asyncio.Queue()
        self.welcomed: asyncio.Queue[web.WebSocketResponse] = asyncio.Queue()
        self.refuse: FromVds | None = None
        self.arrivals = 0
        self._socket: web.WebSocketResponse | None = None

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.arrivals += 1
        async for frame in socket:
            if frame.type is not WSMsgType.TEXT:
                break
            message = codec.to_vds.decode(frame.data)
            if isinstance(message, Authenticate):
                self.tokens.append(message.token)
                if self.refuse is not None:
                    await self.say(self.refuse, socket)
                    break
                self._socket = socket
                welcome = Authenticated(version=VERSION, peer="home-1", role="home", rooms=[])
                await self.say(welcome, socket)
                self.welcomed.put_nowait(socket)
            else:
                self.take(message)
        return socket

    def take(self, message: ToVds) -> None:
        """Take what a home says once it is welcome."""
        if isinstance(message, PostSignal):
            self.posted.put_nowait(message)
        elif isinstance(message, VouchForRoom):
            self.vouched.put_nowait(message.room)

    async def relay(self, request: web.Request) -> web.Response:
        self.bearers.put_nowait(request.headers["Authorization"])
        if self.relay_says is not None:
            return self.relay_says()
        if self.access is None:
            raise web.HTTPNotFound
        return web.Response(body=codec.encode(self.access), content_type="application/json")

    def routes(self) -> list[web.RouteDef]:
        return [web.get(PATH, self.handle), web.get(RELAY, self.relay)]

    async def say(self, message: FromVds, socket: web.WebSocketResponse | None = None) -> None:
        to = socket or self._socket
        assert to is not None
        await to.send_str(codec.encode(message).decode())

    async def say_raw(self, text: str) -> None:
        assert self._socket is not None
        await self._socket.send_str(text)

    async def signal(self, sender: RoomPeer, signal: Signal) -> None:
        await self.say(SignalPosted(room="room", sender=sender, signal=signal))

    async def asked(self) -> str:
        """Wait until the home has asked for the relay, and give its token."""
        async with asyncio.timeout(20):
            return (await self.bearers.get()).removeprefix("Bearer ")

    async def home(self) -> web.WebSocketResponse:
        """Wait until the home has come."""
        async with asyncio.timeout(20):
            return await self.welcomed.get()


class ThroughVds:
    """Carries a device's signals over the server, as `Signals`."""

    def __init__(self, vds: Vds) -> None:
        self._vds = vds
        self._tasks: list[asyncio.Future[None]] = []

    def take(self, posted: SignalPosted, introducer: Introducer) -> None:
        async def carry() -> None:
            await self._vds.say(posted)
            if isinstance(posted.signal, Offer):
                answer = await self._vds.posted.get()
                await introducer.post(answer.room, answer.to, answer.signal)

        self._tasks.append(asyncio.ensure_future(carry()))


@asynccontextmanager
async def a_vds(vds: V | None = None) -> AsyncIterator[tuple[V, str]]:
    """Give the server and its address."""
    vds = vds or cast(V, Vds())
    app = web.Application()
    app.add_routes(vds.routes())
    server = TestServer(app)
    await server.start_server()
    try:
        yield vds, str(server.make_url("")).rstrip("/")
    finally:
        await server.close()
