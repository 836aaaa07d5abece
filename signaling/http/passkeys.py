"""Passkeys over HTTP.

Who manages passkeys says so with an access token in `Authorization`, which no other site can send;
who logs in has only the cookie that ties them to the challenge they were given.
"""

from aiohttp import web

from protocol import codec
from signaling.accounts import Accounts
from signaling.challenges import CHALLENGE_SECONDS
from signaling.config import Settings
from signaling.http.accounts import AccountHandlers, family_of
from signaling.http.answers import answer, done
from signaling.http.bearer import bearer
from signaling.http.client import client_key
from signaling.passkeys import Passkeys
from signaling.tokens import AccessClaims


class PasskeyHandlers:
    """The handlers of `/api/passkeys` and `/api/session/passkey`."""

    def __init__(
        self,
        settings: Settings,
        accounts: Accounts,
        passkeys: Passkeys,
        account_handlers: AccountHandlers,
    ) -> None:
        self._settings = settings
        self._accounts = accounts
        self._passkeys = passkeys
        self._account_handlers = account_handlers
        self._cookie = "__Host-hearth-passkey" if settings.https else "hearth-passkey"

    async def begin_making(self, request: web.Request) -> web.Response:
        """POST /api/passkeys/challenge."""
        who = await self._accounts.authorize_recent(bearer(request))
        return answer(await self._passkeys.begin_making(who))

    async def make(self, request: web.Request) -> web.Response:
        """POST /api/passkeys."""
        who = await self._who(request)
        made = codec.new_passkey.decode(await request.read())
        return answer(await self._passkeys.make(who, made), 201)

    async def list_of(self, request: web.Request) -> web.Response:
        """GET /api/passkeys."""
        return answer(await self._passkeys.list_of(await self._who(request)))

    async def remove(self, request: web.Request) -> web.Response:
        """DELETE /api/passkeys/{passkey}. Again, it is the same."""
        who = await self._accounts.authorize_recent(bearer(request))
        await self._passkeys.remove(who, request.match_info["passkey"])
        return done()

    async def begin_log_in(self, request: web.Request) -> web.Response:
        """POST /api/session/passkey/challenge."""
        wanted, browser = self._passkeys.begin_log_in(client_key(request, self._settings))
        response = answer(wanted)
        self._set_cookie(response, browser, CHALLENGE_SECONDS)
        return response

    async def log_in(self, request: web.Request) -> web.Response:
        """POST /api/session/passkey."""
        said = codec.passkey_assertion.decode(await request.read())
        issued = await self._passkeys.log_in(
            said,
            request.cookies.get(self._cookie),
            client_key(request, self._settings),
            family_of(request),
        )
        response = self._account_handlers.logged_in(issued)
        self._set_cookie(response, "", 0)
        return response

    async def _who(self, request: web.Request) -> AccessClaims:
        return await self._accounts.authorize(bearer(request))

    def _set_cookie(self, response: web.Response, value: str, max_age: int) -> None:
        response.set_cookie(
            self._cookie,
            value,
            max_age=max_age,
            path="/",
            httponly=True,
            secure=self._settings.https,
            samesite="Strict",
        )
