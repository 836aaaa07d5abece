"""Logging in by the word of a home, on the home's own PC. Knows nothing of HTTP.

Who opens the home's door over loopback is on the PC, so the home says who that is: its owner. The
account has no password, and nothing but that word opens it until its person adds a passkey.
"""

import secrets

from protocol.accounts import User
from signaling.accounts import Accounts, Issued
from signaling.clock import Clock
from signaling.config import Settings
from signaling.errors import NotFound, UsernameTaken
from signaling.homes import Homes
from signaling.storage import Storage
from signaling.throttles import Throttles
from signaling.tokens import HOME_LOGIN_TYPE, HomeClaims


class Owners:
    """The owners of this machine's homes."""

    def __init__(
        self,
        *,
        settings: Settings,
        storage: Storage,
        accounts: Accounts,
        homes: Homes,
        throttles: Throttles,
        clock: Clock,
    ) -> None:
        self._on_this_machine = settings.is_loopback
        self._storage = storage
        self._accounts = accounts
        self._homes = homes
        self._throttles = throttles
        self._clock = clock

    async def log_in(self, assertion: str, address: str, client: str) -> Issued:
        """Begin a session of the owner of a home, who gets an account the first time.

        Raises:
            NotFound: this server is not the PC's own.
            TokenInvalid, TokenExpired: not the word of an admitted home, or said before.
            RateLimited: too many failures from this address.
        """
        if not self._on_this_machine:
            raise NotFound
        self._throttles.failures_from_address.take(address, self._clock.steady())
        claims = self._homes.believe(assertion, HOME_LOGIN_TYPE)
        self._throttles.failures_from_address.give_back(address)
        return await self._accounts.begin(await self._account(claims), client)

    async def _account(self, claims: HomeClaims) -> User:
        now = self._clock.wall()
        user = User(id=secrets.token_hex(16), name=claims.name)
        try:
            return await self._storage.owner_of(claims.sub, user, now)
        except UsernameTaken:
            # Somebody registered under it; whether it is the same person, nobody can tell. No one
            # can register under this, which has a space.
            name = f"{claims.name[:50]} ({claims.sub[:8]})"
            return await self._storage.owner_of(claims.sub, User(id=user.id, name=name), now)
