"""Making, using, listing and removing passkeys. Knows nothing of HTTP."""

import secrets

import structlog
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import encode_cbor

from protocol.passkeys import (
    NewPasskey,
    Passkey,
    PasskeyAssertion,
    PasskeyCreation,
    PasskeyList,
    PasskeyRequest,
)
from signaling.accounts import Accounts, Issued
from signaling.ceremonies import (
    ALGORITHMS,
    RelyingParty,
    read_bytes,
    verify_new,
    verify_use,
    write_bytes,
)
from signaling.challenges import CHALLENGE_SECONDS, Challenges
from signaling.clock import Clock
from signaling.config import Settings
from signaling.errors import PasskeyRefused, PasskeysFull, PasskeysUnavailable
from signaling.notices import Notices
from signaling.storage import PasskeyHolder, PasskeyStorage, StoredPasskey, WayIn
from signaling.throttles import Throttles
from signaling.tokens import AccessClaims

PASSKEYS_PER_PERSON = 20
_HANDLE_BYTES = 32

_log = structlog.get_logger("signaling.passkeys")


class Passkeys:
    """The passkeys of this server's people."""

    def __init__(
        self,
        *,
        settings: Settings,
        storage: PasskeyStorage,
        accounts: Accounts,
        throttles: Throttles,
        notices: Notices,
        clock: Clock,
    ) -> None:
        rp_id = settings.rp_id
        self._us = RelyingParty(id=rp_id, origins=settings.rp_origins) if rp_id else None
        self._storage = storage
        self._accounts = accounts
        self._throttles = throttles
        self._notices = notices
        self._clock = clock
        self._to_make = Challenges(settings.limit_tracked)
        self._to_log_in = Challenges(settings.limit_tracked)
        self._to_prove = Challenges(settings.limit_tracked)
        self._nobody = _nobodys_key()

    async def begin_making(self, who: AccessClaims) -> PasskeyCreation:
        """Say what passkey the person's browser may make, within CHALLENGE_SECONDS.

        Raises:
            PasskeysUnavailable: this server's address has no name.
            PasskeysFull: the person has PASSKEYS_PER_PERSON of them.
        """
        us = self._party()
        known = await self._known(who)
        handle = await self._storage.handle_of(who.sub, secrets.token_bytes(_HANDLE_BYTES))
        return PasskeyCreation(
            challenge=write_bytes(self._to_make.make(who.sid, self._clock.steady())),
            rp_id=us.id,
            user_handle=write_bytes(handle),
            user_name=who.name,
            algorithms=[int(algorithm) for algorithm in ALGORITHMS],
            exclude=[write_bytes(passkey.id) for passkey in known],
            timeout_ms=CHALLENGE_SECONDS * 1000,
        )

    async def make(self, who: AccessClaims, made: NewPasskey) -> Passkey:
        """Keep a passkey that answers the challenge of this very session.

        Raises:
            PasskeyRefused: it does not, or it is known already.
            PasskeysFull, PasskeysUnavailable: as for `begin_making`.
        """
        us = self._party()
        challenge = self._to_make.take(who.sid, self._clock.steady())
        if challenge is None:
            raise PasskeyRefused
        await self._known(who)
        verified = verify_new(made, challenge, us)
        stored = StoredPasskey(
            id=verified.id,
            name=made.name,
            public_key=verified.public_key,
            sign_count=verified.sign_count,
            created_at=self._clock.wall(),
        )
        await self._storage.add(who.sub, stored)
        await self._notices.note(who.sub, "passkey_added", by=who.sid, subject=stored.name)
        return _shown(stored)

    async def list_of(self, who: AccessClaims) -> PasskeyList:
        """List the person's passkeys."""
        return PasskeyList(passkeys=[_shown(p) for p in await self._storage.of_user(who.sub)])

    async def remove(self, who: AccessClaims, passkey: str) -> None:
        """Remove a passkey of the person; one that is not theirs stays, without a word.

        Raises:
            PasskeysNeeded: the account has no password, and this is its last passkey.
        """
        name = await self._storage.remove(who.sub, read_bytes(passkey))
        if name is not None:
            await self._notices.note(who.sub, "passkey_removed", by=who.sid, subject=name)

    def begin_log_in(self, address: str) -> tuple[PasskeyRequest, str]:
        """Give what to sign, and the secret that binds it to the browser that asked.

        Nobody is named, so the answer is the same whoever has a passkey here, or none.

        Raises:
            PasskeysUnavailable: this server's address has no name.
            RateLimited: too many requests from this address.
        """
        us = self._party()
        now = self._clock.steady()
        self._throttles.requests_from_address.take(address, now)
        browser = secrets.token_urlsafe(32)
        return _wanted(self._to_log_in.make(browser, now), us), browser

    async def log_in(
        self, said: PasskeyAssertion, browser: str | None, address: str, client: str
    ) -> Issued:
        """Begin a session of whoever's passkey signed the challenge of this browser.

        A passkey cannot be guessed, so failures count for the address only: nobody can lock
        somebody else's account with them, nor does a locked password keep its owner out.

        Raises:
            PasskeyRefused: unknown, wrongly signed, too late or a copy: one answer for all.
            RateLimited: too many failures from this address.
        """
        holder = await self._check(said, self._to_log_in, browser or "", address)
        way_in = WayIn(passkey=holder.passkey.id)
        return await self._accounts.begin(holder.user, client, way_in)

    def begin_proof(self, who: AccessClaims) -> PasskeyRequest:
        """Give what a passkey of the person has to sign so that this session may do more.

        Raises:
            PasskeysUnavailable: this server's address has no name.
        """
        us = self._party()
        return _wanted(self._to_prove.make(who.sid, self._clock.steady()), us)

    async def check_proof(self, who: AccessClaims, said: PasskeyAssertion, address: str) -> None:
        """See that a passkey of this person signed the challenge of this very session.

        Raises: as `log_in`.
        """
        await self._check(said, self._to_prove, who.sid, address, of=who.sub)

    async def _check(
        self,
        said: PasskeyAssertion,
        challenges: Challenges,
        asker: str,
        address: str,
        of: str | None = None,
    ) -> PasskeyHolder:
        us = self._party()
        now = self._clock.steady()
        self._throttles.failures_from_address.take(address, now)
        challenge = challenges.take(asker, now)
        if challenge is None:
            raise PasskeyRefused
        passkey = read_bytes(said.id)
        holder = await self._storage.find(passkey)
        # Verified with nobody's key where there is none, so that the answer takes as long.
        key = holder.passkey.public_key if holder else self._nobody
        last = holder.passkey.sign_count if holder else 0
        count = verify_use(said, challenge, us, key, last)
        if holder is None or read_bytes(said.user_handle) != holder.handle:
            raise PasskeyRefused
        if of is not None and holder.user.id != of:
            raise PasskeyRefused
        if not await self._storage.use(passkey, count, self._clock.wall()):
            _log.warning("passkey_count_did_not_grow")
            raise PasskeyRefused
        self._throttles.failures_from_address.give_back(address)
        return holder

    def _party(self) -> RelyingParty:
        if self._us is None:
            raise PasskeysUnavailable
        return self._us

    async def _known(self, who: AccessClaims) -> list[StoredPasskey]:
        known = await self._storage.of_user(who.sub)
        if len(known) >= PASSKEYS_PER_PERSON:
            raise PasskeysFull
        return known


def _wanted(challenge: bytes, us: RelyingParty) -> PasskeyRequest:
    return PasskeyRequest(
        challenge=write_bytes(challenge), rp_id=us.id, timeout_ms=CHALLENGE_SECONDS * 1000
    )


def _shown(passkey: StoredPasskey) -> Passkey:
    used = passkey.used_at
    return Passkey(
        id=write_bytes(passkey.id),
        name=passkey.name,
        created_ms=int(passkey.created_at * 1000),
        used_ms=None if used is None else int(used * 1000),
    )


def _nobodys_key() -> bytes:
    """Give a COSE key (RFC 9053, section 7.1.1) whose private half is forgotten at once."""
    numbers = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    x, y = (number.to_bytes(32, "big") for number in (numbers.x, numbers.y))
    return encode_cbor({1: 2, 3: -7, -1: 1, -2: x, -3: y})
