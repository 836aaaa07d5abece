"""Accounts and sessions over HTTP. The refresh token travels in a cookie only."""

from aiohttp import web

from protocol import codec
from signaling.accounts import Accounts, Issued, ReuseDetected
from signaling.bus import Bus
from signaling.config import Settings
from signaling.errors import NotLoggedIn, SessionRevoked
from signaling.http.answers import answer, done, problem
from signaling.http.client import client_key
from signaling.sessions import LIFETIME_S
from signaling.user_agents import family


class AccountHandlers:
    """The handlers of `/api/accounts` and `/api/session`."""

    def __init__(self, settings: Settings, accounts: Accounts, bus: Bus) -> None:
        self._settings = settings
        self._accounts = accounts
        self._bus = bus
        self._secure = settings.https
        # A browser keeps a __Host- cookie only for this very host, over https.
        self._cookie = "__Host-hearth" if settings.https else "hearth"

    async def register(self, request: web.Request) -> web.Response:
        """POST /api/accounts."""
        registration = codec.registration.decode(await request.read())
        issued = await self._accounts.register(
            registration, self._client(request), family_of(request)
        )
        return self.logged_in(issued, 201)

    async def log_in(self, request: web.Request) -> web.Response:
        """POST /api/session."""
        credentials = codec.credentials.decode(await request.read())
        issued = await self._accounts.log_in(credentials, self._client(request), family_of(request))
        return self.logged_in(issued)

    async def refresh(self, request: web.Request) -> web.Response:
        """POST /api/session/refresh."""
        try:
            issued = await self._accounts.refresh(
                request.cookies.get(self._cookie), self._client(request)
            )
        except ReuseDetected as why:
            self._bus.close_session(why.session, SessionRevoked())
            return self.forget(problem(why))
        except NotLoggedIn as why:
            return self.forget(problem(why))
        return self.logged_in(issued)

    async def log_out(self, request: web.Request) -> web.Response:
        """DELETE /api/session. Again, or without a session, it is the same."""
        session = await self._accounts.log_out(request.cookies.get(self._cookie))
        if session:
            self._bus.close_session(session, SessionRevoked())
        return self.forget(done())

    def _client(self, request: web.Request) -> str:
        return client_key(request, self._settings)

    def logged_in(self, issued: Issued, status: int = 200) -> web.Response:
        """Answer with a session that has begun or goes on, and set its cookie."""
        response = answer(issued.session, status)
        self._set_cookie(response, issued.refresh_token, LIFETIME_S)
        return response

    def forget(self, response: web.Response) -> web.Response:
        """Have the browser forget its cookie with this answer."""
        self._set_cookie(response, "", 0)
        return response

    def _set_cookie(self, response: web.Response, value: str, max_age: int) -> None:
        response.set_cookie(
            self._cookie,
            value,
            max_age=max_age,
            path="/",
            httponly=True,
            secure=self._secure,
            samesite="Strict",
        )


def family_of(request: web.Request) -> str:
    """Give which browser on which system asks, as far as a person needs it."""
    return family(request.headers.get("User-Agent", ""))
