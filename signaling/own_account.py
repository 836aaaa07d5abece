"""What a person does to their own account: sessions, password, deletion. Knows nothing of HTTP."""

from collections.abc import Iterable

from protocol.errors import Malformed
from protocol.own_account import Account, PasswordChange, Proof, SessionSummary
from protocol.passkeys import PasskeyRequest
from signaling.accounts import Accounts
from signaling.bus import Bus
from signaling.clock import Clock
from signaling.errors import PasskeysNeeded, SessionRevoked
from signaling.notices import Notices
from signaling.passkeys import Passkeys
from signaling.passwords import Passwords
from signaling.storage import OwnAccountStorage, StoredSession
from signaling.tokens import AccessClaims

PASSKEYS_INSTEAD = 2
"""A password may be dropped beside so many passkeys: one of them can be lost."""


class OwnAccount:
    """Acts for whoever an access token names. What ends a session closes its sockets too."""

    def __init__(
        self,
        *,
        storage: OwnAccountStorage,
        accounts: Accounts,
        passkeys: Passkeys,
        passwords: Passwords,
        notices: Notices,
        bus: Bus,
        clock: Clock,
    ) -> None:
        self._storage = storage
        self._accounts = accounts
        self._passkeys = passkeys
        self._passwords = passwords
        self._notices = notices
        self._bus = bus
        self._clock = clock

    async def show(self, who: AccessClaims) -> Account:
        """Give the sessions, and whether a password opens the account."""
        sessions = await self._storage.sessions(who.sub, self._clock.wall())
        return Account(
            has_password=await self._storage.has_password(who.sub),
            sessions=[_shown(session, who.sid) for session in sessions],
        )

    async def end_session(self, who: AccessClaims, session: str) -> None:
        """End a session of the person; one that is not theirs goes on, without a word."""
        if await self._storage.end_session(who.sub, session):
            self._close([session])

    async def end_others(self, who: AccessClaims) -> None:
        """End every session of the person but this one."""
        self._close(await self._storage.end_others(who.sub, who.sid))

    def begin_proof(self, who: AccessClaims) -> PasskeyRequest:
        """Give what a passkey of the person has to sign, for this session only."""
        return self._passkeys.begin_proof(who)

    async def prove(self, who: AccessClaims, proof: Proof, address: str) -> None:
        """Take the proof that it is still the person, and let the session do more for a while.

        Raises:
            WrongCredentials: the password is wrong, or the account has none.
            PasskeyRefused: not a passkey of this person, or not what it had to sign.
            RateLimited: too many failures of this account or from this address.
            Malformed: no proof, or two.
        """
        match proof:
            case Proof(password=str(password), passkey=None):
                await self._accounts.check_password(who.name, password, address)
            case Proof(password=None, passkey=passkey) if passkey is not None:
                await self._passkeys.check_proof(who, passkey, address)
            case _:
                raise Malformed("A proof is either a password or a passkey.")
        await self._storage.prove(who.sid, self._clock.wall())

    async def change_password(
        self, who: AccessClaims, change: PasswordChange, address: str
    ) -> None:
        """Change the password, or set one again, and end the other sessions.

        Raises: as `prove`. The proof is part of the change, so that a session that was left open
        just after logging in is not enough.
        """
        await self.prove(who, change.proof, address)
        password_hash = await self._passwords.hash(change.password)
        ended = await self._storage.set_password(who.sub, password_hash, who.sid)
        await self._notices.note(who.sub, "password_changed", by=who.sid)
        self._close(ended)

    async def drop_password(self, who: AccessClaims) -> None:
        """Let only passkeys open the account, and end the other sessions.

        Raises:
            PasskeysNeeded: the person has fewer than PASSKEYS_INSTEAD.
        """
        ended = await self._storage.drop_password(who.sub, PASSKEYS_INSTEAD, who.sid)
        if ended is None:
            raise PasskeysNeeded
        await self._notices.note(who.sub, "password_dropped", by=who.sid)
        self._close(ended)

    async def delete(self, who: AccessClaims, proof: Proof, address: str) -> None:
        """Delete the account and all that this server knows of it. The name is free again.

        Rooms and people at home go by the id, which nobody gets again, so the name's next owner
        gets nothing with it; and a list of names gone would keep what was to be forgotten.

        Raises: as `prove`.
        """
        await self.prove(who, proof, address)
        self._close(await self._storage.delete(who.sub))
        self._notices.forget_tries(who.name)

    def _close(self, sessions: Iterable[str]) -> None:
        for session in sessions:
            self._bus.close_session(session, SessionRevoked())


def _shown(session: StoredSession, this: str) -> SessionSummary:
    return SessionSummary(
        id=session.id,
        client=session.client,
        began_ms=int(session.began_at * 1000),
        used_ms=int(session.used_at * 1000),
        is_this=session.id == this,
    )
