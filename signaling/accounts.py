"""Registering, logging in, refreshing, logging out. Knows nothing of HTTP."""

import hashlib
import re
import secrets

import msgspec

from protocol import limits
from protocol.accounts import Credentials, Registration, Session, User
from protocol.errors import Malformed
from signaling.clock import Clock
from signaling.config import Settings
from signaling.errors import (
    NotLoggedIn,
    RateLimited,
    Reauthenticate,
    Refused,
    SessionRevoked,
    UsernameTaken,
    WrongCredentials,
)
from signaling.notices import Notices
from signaling.passwords import Passwords
from signaling.storage import Revoked, Storage, StoredUser, WayIn
from signaling.throttles import Throttles
from signaling.tokens import ACCESS_SECONDS, AccessClaims, Signer

PROOF_SECONDS = 300
"""How long after a password or a passkey a session may change how the account is opened."""


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A session for the body of the answer, and its refresh token for the cookie."""

    session: Session
    refresh_token: str


class ReuseDetected(SessionRevoked):
    """A session ended; `session` is its id, for closing its sockets."""

    def __init__(self, session: str) -> None:
        super().__init__()
        self.session = session


class Accounts:
    """The accounts of this server."""

    def __init__(
        self,
        *,
        settings: Settings,
        storage: Storage,
        passwords: Passwords,
        signer: Signer,
        throttles: Throttles,
        notices: Notices,
        clock: Clock,
    ) -> None:
        self._homes = tuple(settings.homes)
        self._storage = storage
        self._passwords = passwords
        self._signer = signer
        self._clock = clock
        self._throttles = throttles
        self._notices = notices

    async def register(self, wanted: Registration, address: str, client: str) -> Issued:
        """Make an account and log it in.

        Raises:
            UsernameTaken: the name exists, whatever the case of its letters.
            RateLimited: too many registrations from this address.
            Malformed: a name that the pattern lets through with a line break at its end.
        """
        if not re.fullmatch(limits.USERNAME_PATTERN, wanted.username):
            raise Malformed("The message has the wrong shape at $.username.")
        registrations = self._throttles.registrations_from_address
        registrations.take(address, self._clock.steady())
        password_hash = await self._passwords.hash(wanted.password)
        user = User(id=secrets.token_hex(16), name=wanted.username)
        stored = StoredUser(user=user, password_hash=password_hash)
        try:
            await self._storage.create_user(stored, self._clock.wall())
        except UsernameTaken:
            raise
        except Refused:
            registrations.give_back(address)
            raise
        self._notices.forget_tries(wanted.username)
        return await self.begin(user, client)

    async def log_in(self, credentials: Credentials, address: str, client: str) -> Issued:
        """Begin a session.

        Raises: as `check_password`.
        """
        stored = await self.check_password(credentials.username, credentials.password, address)
        return await self.begin(stored.user, client, WayIn(password_hash=stored.password_hash))

    async def check_password(self, username: str, password: str, address: str) -> StoredUser:
        """Give whose name and password these are.

        Each attempt takes a permit before the password is looked at and a right one gives it
        back: attempts in parallel cannot slip past, and while an account is locked even the right
        password is refused, so that guessing on tells nothing.

        Raises:
            WrongCredentials: no such user, a wrong password, or none, after the same time.
            RateLimited: too many failures of this account or from this address.
        """
        now = self._clock.steady()
        account = username.casefold()
        by_account = self._throttles.failures_of_account
        by_address = self._throttles.failures_from_address
        by_address.take(address, now)
        try:
            by_account.take(account, now)
        except RateLimited:
            by_address.give_back(address)
            raise
        stored = await self._storage.find_user(username)
        password_hash = stored.password_hash if stored else None
        if not await self._passwords.verify(password_hash, password) or not stored:
            self._notices.wrong_password(username)
            raise WrongCredentials
        by_address.give_back(address)
        by_account.give_back(account)
        return stored

    async def refresh(self, refresh_token: str | None, address: str) -> Issued:
        """Exchange a refresh token for a fresh one and an access token.

        Raises:
            NotLoggedIn: no token, an unknown one, or an expired session.
            ReuseDetected: the session is revoked, perhaps by this very use.
            RateLimited: too many requests of this session or from this address.
        """
        if not refresh_token:
            raise NotLoggedIn
        self._throttles.requests_from_address.take(address, self._clock.steady())
        if known := await self._storage.session_of(_digest(refresh_token)):
            self._throttles.requests_of_session.take(known, self._clock.steady())
        fresh = secrets.token_urlsafe(32)
        rotated = await self._storage.rotate(
            _digest(refresh_token), _digest(fresh), self._clock.wall()
        )
        if rotated is None:
            raise NotLoggedIn
        if isinstance(rotated, Revoked):
            if rotated.reused_of:
                await self._notices.note(rotated.reused_of, "token_reused")
            raise ReuseDetected(rotated.session)
        await self._give_rooms(rotated.user)
        return self._issue(rotated.user, rotated.session, fresh)

    async def log_out(self, refresh_token: str | None) -> str | None:
        """End the token's session, whatever the token's age; give the session's id."""
        return await self._storage.revoke(_digest(refresh_token)) if refresh_token else None

    async def authorize(self, access_token: str | None) -> AccessClaims:
        """Give whose access token this is.

        Raises:
            NotLoggedIn, TokenInvalid, TokenExpired: no token, or not a good one.
            SessionRevoked: its session has ended, though the token would be good.
            RateLimited: too many requests of this session.
        """
        if not access_token:
            raise NotLoggedIn
        claims = self._signer.verify(access_token, self._clock.wall())
        self._throttles.requests_of_session.take(claims.sid, self._clock.steady())
        if not await self._storage.is_live(claims.sid, self._clock.wall()):
            raise SessionRevoked
        return claims

    async def authorize_recent(self, access_token: str | None) -> AccessClaims:
        """Give whose access token this is, if they showed who they are in the last PROOF_SECONDS.

        A session that somebody left open, or whose cookie was stolen, is not enough for this.

        Raises:
            Reauthenticate: they did not.
            As `authorize`.
        """
        claims = await self.authorize(access_token)
        proved_at = await self._storage.proved_at(claims.sid)
        if proved_at is None or not 0 <= self._clock.wall() - proved_at < PROOF_SECONDS:
            raise Reauthenticate
        return claims

    async def begin(self, user: User, client: str, way_in: WayIn | None = None) -> Issued:
        """Begin a session of a person who has proved who they are.

        Raises:
            WrongCredentials, PasskeyRefused: what they did it with was changed meanwhile.
        """
        session, refresh_token = secrets.token_hex(16), secrets.token_urlsafe(32)
        await self._give_rooms(user)
        await self._storage.create_session(
            session, user.id, _digest(refresh_token), self._clock.wall(), client, way_in
        )
        return self._issue(user, session, refresh_token)

    async def _give_rooms(self, user: User) -> None:
        """Introduce everybody to every admitted home, until pairing says who belongs where."""
        await self._storage.ensure_rooms(user.id, self._homes)

    def _issue(self, user: User, session: str, refresh_token: str) -> Issued:
        return Issued(
            session=Session(
                access_token=self._signer.mint(user, session, self._clock.wall()),
                expires_in_s=ACCESS_SECONDS,
                user=user,
            ),
            refresh_token=refresh_token,
        )


def _digest(refresh_token: str) -> bytes:
    return hashlib.sha256(refresh_token.encode("utf-8", "surrogateescape")).digest()
