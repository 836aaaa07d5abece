"""The relay's addresses and credentials over HTTP, for a person or for a home."""

from aiohttp import web

from signaling.accounts import Accounts
from signaling.clock import Clock
from signaling.errors import NotLoggedIn
from signaling.homes import Homes
from signaling.http.answers import answer
from signaling.http.bearer import bearer
from signaling.relay import Relay
from signaling.throttles import Throttles
from signaling.tokens import HOME_TYPE, type_of


class RelayHandler:
    """The handler of `/api/relay`."""

    def __init__(
        self, accounts: Accounts, homes: Homes, relay: Relay, throttles: Throttles, clock: Clock
    ) -> None:
        self._accounts = accounts
        self._homes = homes
        self._relay = relay
        self._throttles = throttles
        self._clock = clock

    async def give(self, request: web.Request) -> web.Response:
        """GET /api/relay. The bearer is an access token, or a home's assertion."""
        token = bearer(request)
        if not token:
            raise NotLoggedIn
        if type_of(token) == HOME_TYPE:
            home = self._homes.believe(token).sub
            self._throttles.requests_of_session.take(home, self._clock.steady())
            return answer(self._relay.for_home(home))
        claims = await self._accounts.authorize(token)
        return answer(await self._relay.for_person(claims.sub))
