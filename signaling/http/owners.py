"""Logging in by the word of a home over HTTP."""

from aiohttp import web

from protocol import codec
from signaling.config import Settings
from signaling.http.accounts import AccountHandlers, family_of
from signaling.http.client import client_key
from signaling.owners import Owners


class OwnerHandler:
    """The handler of `/api/session/home`."""

    def __init__(self, settings: Settings, owners: Owners, accounts: AccountHandlers) -> None:
        self._settings = settings
        self._owners = owners
        self._accounts = accounts

    async def log_in(self, request: web.Request) -> web.Response:
        """POST /api/session/home."""
        said = codec.home_log_in.decode(await request.read())
        address = client_key(request, self._settings)
        issued = await self._owners.log_in(said.assertion, address, family_of(request))
        return self._accounts.logged_in(issued)
