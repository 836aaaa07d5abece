"""What machines ask: is it alive, is it ready, its keys, its description."""

import msgspec
from aiohttp import web

from signaling.http.answers import Health, Ready, answer
from signaling.openapi import document
from signaling.rooms import Rooms
from signaling.storage import Storage
from signaling.tokens import Signer


class HealthHandlers:
    """The handlers of `/healthz`, `/readyz`, the key set and the description."""

    def __init__(self, storage: Storage, rooms: Rooms, signer: Signer) -> None:
        self._storage = storage
        self._rooms = rooms
        self._jwks = signer.jwks
        self._document = msgspec.json.encode(document())

    async def alive(self, _request: web.Request) -> web.Response:
        """GET /healthz."""
        return answer(Health())

    async def ready(self, _request: web.Request) -> web.Response:
        """GET /readyz."""
        await self._storage.check()
        return answer(Ready(homes=self._rooms.homes_online))

    async def jwks(self, _request: web.Request) -> web.Response:
        """GET /.well-known/jwks.json."""
        response = answer(self._jwks)
        response.headers["Cache-Control"] = "public, max-age=300"
        return response

    async def describe(self, _request: web.Request) -> web.Response:
        """GET /api/openapi.json."""
        return web.Response(
            body=self._document,
            content_type="application/json",
            headers={"Cache-Control": "no-cache"},
        )
