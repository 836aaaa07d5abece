"""A peer that has no WebSocket, as a test sees it: a `Peer` whose messages come by asking."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from protocol import codec
from protocol.signaling import FromVds
from tests.signaling.conftest import ORIGIN, PATIENCE_S, Peer, Vds


@dataclass
class PollPeer(Peer):
    """One end of a poll. It answers as a `Peer` does; `after` and `sent` count as a client does."""

    vds: Any = None
    origin: str | None = ORIGIN
    poll: str = ""
    after: int = 0
    sent: int = 0
    waiting: list[Any] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"/api/signaling/poll/{self.poll}"

    async def open(self, message: Any) -> aiohttp.ClientResponse:
        body = message if isinstance(message, bytes) else codec.encode(message)
        response: aiohttp.ClientResponse = await self.vds.post(
            "/api/signaling/poll", body, origin=self.origin
        )
        if response.status == 200:
            self.poll = (await response.json())["poll"]
        return response

    async def post_all(self, *messages: bytes, after: int | None = None) -> int:
        number = "" if after is None else f"?after={after}"
        body = b"[" + b",".join(messages) + b"]"
        path = f"{self.path}/messages{number}"
        return int((await self.vds.post(path, body, origin=self.origin)).status)

    async def ask(self, after: int | None = None) -> aiohttp.ClientResponse:
        number = self.after if after is None else after
        response: aiohttp.ClientResponse = await self.vds.get(f"{self.path}?after={number}")
        return response

    async def send(self, message: Any) -> None:
        if not self.poll:
            await self.open(message)
            return
        assert await self.post_all(codec.encode(message), after=self.sent) == 204
        self.sent += 1

    async def receive(self) -> FromVds:
        async with asyncio.timeout(PATIENCE_S):
            while not self.waiting:
                response = await self.ask()
                assert response.status == 200, response.status
                batch = await response.json()
                self.waiting += batch["messages"]
                self.after = batch["next"]
        return codec.from_vds.decode(json.dumps(self.waiting.pop(0)))

    async def closed(self) -> int | None:
        assert not self.waiting
        return int((await self.ask()).status)


def poll_of(vds: Vds, origin: str | None = ORIGIN) -> PollPeer:
    """Give somebody who will poll this server."""
    return PollPeer(socket=None, vds=vds, origin=origin)  # type: ignore[arg-type]
