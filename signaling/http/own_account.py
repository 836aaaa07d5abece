"""A person's own account over HTTP. Who asks says so with an access token in `Authorization`."""

from aiohttp import web

from protocol import codec
from signaling.accounts import Accounts
from signaling.config import Settings
from signaling.http.accounts import AccountHandlers
from signaling.http.answers import answer, done
from signaling.http.bearer import bearer
from signaling.http.client import client_key
from signaling.notices import Notices
from signaling.own_account import OwnAccount
from signaling.tokens import AccessClaims


class OwnAccountHandlers:
    """The handlers of `/api/account`."""

    def __init__(
        self,
        settings: Settings,
        accounts: Accounts,
        own: OwnAccount,
        notices: Notices,
        account_handlers: AccountHandlers,
    ) -> None:
        self._settings = settings
        self._accounts = accounts
        self._own = own
        self._notices = notices
        self._account_handlers = account_handlers

    async def show(self, request: web.Request) -> web.Response:
        """GET /api/account."""
        return answer(await self._own.show(await self._who(request)))

    async def end_session(self, request: web.Request) -> web.Response:
        """DELETE /api/account/sessions/{session}. Again, it is the same."""
        await self._own.end_session(await self._who(request), request.match_info["session"])
        return done()

    async def end_others(self, request: web.Request) -> web.Response:
        """DELETE /api/account/sessions."""
        await self._own.end_others(await self._who(request))
        return done()

    async def begin_proof(self, request: web.Request) -> web.Response:
        """POST /api/account/proof/challenge."""
        return answer(self._own.begin_proof(await self._who(request)))

    async def prove(self, request: web.Request) -> web.Response:
        """POST /api/account/proof."""
        who = await self._who(request)
        proof = codec.proof.decode(await request.read())
        await self._own.prove(who, proof, client_key(request, self._settings))
        return done()

    async def change_password(self, request: web.Request) -> web.Response:
        """PUT /api/account/password."""
        who = await self._who(request)
        change = codec.password_change.decode(await request.read())
        await self._own.change_password(who, change, client_key(request, self._settings))
        return done()

    async def drop_password(self, request: web.Request) -> web.Response:
        """DELETE /api/account/password."""
        await self._own.drop_password(await self._accounts.authorize_recent(bearer(request)))
        return done()

    async def delete(self, request: web.Request) -> web.Response:
        """POST /api/account/deletion. Not DELETE, whose body may be lost on the way."""
        who = await self._who(request)
        proof = codec.proof.decode(await request.read())
        await self._own.delete(who, proof, client_key(request, self._settings))
        return self._account_handlers.forget(done())

    async def list_notices(self, request: web.Request) -> web.Response:
        """GET /api/account/notices."""
        return answer(await self._notices.list_of(await self._who(request)))

    async def see_notices(self, request: web.Request) -> web.Response:
        """POST /api/account/notices/seen."""
        await self._notices.see(await self._who(request))
        return done()

    async def _who(self, request: web.Request) -> AccessClaims:
        return await self._accounts.authorize(bearer(request))
