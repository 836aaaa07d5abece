"""The same where something on the way lets no WebSocket through: docs/protocol.md, Signaling."""

import asyncio
import json

from aiohttp import web

from gpu_peer.transports.signaling_poll import PATH
from protocol import VERSION, codec
from protocol.accounts import Problem
from protocol.signaling import Authenticate, Authenticated, FromVds
from tests.gpu_peer.support.vds import Vds


class PollingVds(Vds):
    """One home, one poll."""

    def __init__(self) -> None:
        super().__init__()
        self.lets_sockets = False
        self.problem: tuple[int, Problem] | None = None
        self.lose = 0
        """So many answers are lost on their way, after everything is done."""

        self.broken: bytes | None = None
        """Said in the place of every page."""

        self.polls: list[str] = []
        self.polled: asyncio.Queue[str] = asyncio.Queue()
        self.ended: asyncio.Queue[str] = asyncio.Queue()
        self._open: str | None = None
        self._taken = 0
        self._said: list[bytes] = []
        self._more = asyncio.Event()

    def routes(self) -> list[web.RouteDef]:
        return [
            *super().routes(),
            web.post(PATH, self.open_poll),
            web.post(PATH + "/{id}/messages", self.messages),
            web.get(PATH + "/{id}", self.page),
            web.delete(PATH + "/{id}", self.end),
        ]

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        if not self.lets_sockets:
            raise web.HTTPBadRequest
        return await super().handle(request)

    async def open_poll(self, request: web.Request) -> web.Response:
        assert "Origin" not in request.headers
        hello = codec.to_vds.decode(await request.read())
        assert isinstance(hello, Authenticate)
        self.tokens.append(hello.token)
        if self.problem is not None:
            status, problem = self.problem
            return web.Response(body=codec.encode(problem), status=status)
        self._open = f"secret-{len(self.polls)}"
        self.polls.append(self._open)
        self._taken, self._said, self._more = 0, [], asyncio.Event()
        self.poll(Authenticated(version=VERSION, peer="home-1", role="home", rooms=[]))
        self.polled.put_nowait(self._open)
        return web.json_response({"poll": self._open})

    async def messages(self, request: web.Request) -> web.Response:
        self._check(request)
        messages = json.loads(await request.read())
        known = self._taken - int(request.query["after"])
        assert known >= 0, "a message is missing between"
        for message in messages[known:]:
            self._taken += 1
            self.take(codec.to_vds.decode(json.dumps(message)))
        self._may_lose()
        return web.Response(status=204)

    async def page(self, request: web.Request) -> web.Response:
        self._check(request)
        after = int(request.query["after"])
        more = self._more
        while len(self._said) <= after and self.broken is None:
            more.clear()
            await more.wait()
            self._check(request)
        self._may_lose()
        page = b",".join(self._said[after:])
        body = b'{"next":%d,"messages":[%b]}' % (len(self._said), page)
        return web.Response(body=self.broken or body, content_type="application/json")

    async def end(self, request: web.Request) -> web.Response:
        self._check(request)
        self.ended.put_nowait(request.match_info["id"])
        return web.Response(status=204)

    def poll(self, message: FromVds) -> None:
        """Say something by the poll."""
        self.poll_raw(codec.encode(message))

    def poll_raw(self, message: bytes) -> None:
        self._said.append(message)
        self._more.set()

    def break_down(self, body: bytes) -> None:
        self.broken = body
        self._more.set()

    def forget(self) -> None:
        """Know of no poll any more, like a server that was started again."""
        self._open = None
        self._more.set()

    def _may_lose(self) -> None:
        """Have something on the way answer in the server's place."""
        if self.lose:
            self.lose -= 1
            raise web.HTTPBadGateway

    def _check(self, request: web.Request) -> None:
        if request.match_info["id"] != self._open:
            raise web.HTTPNotFound
