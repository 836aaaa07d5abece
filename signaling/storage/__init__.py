"""What the VDS keeps: an interface, so that one node's SQLite can become many nodes' PostgreSQL."""

from collections.abc import Iterable
from typing import Protocol

import msgspec

from protocol.accounts import User
from protocol.own_account import NoticeKind

NO_PASSWORD = ""
"""What stands in the place of a hash for an account that only passkeys open."""


class StoredUser(msgspec.Struct, frozen=True, kw_only=True):
    """A person's account; without a hash, only passkeys open it."""

    user: User
    password_hash: str | None


class Rotated(msgspec.Struct, frozen=True, kw_only=True):
    """A refresh token was good; the fresh one is stored."""

    session: str
    user: User


class Revoked(msgspec.Struct, frozen=True, kw_only=True):
    """The token belongs to a session that is revoked.

    `reused_of` is the person, where it is this very use of an old token that ended the session.
    """

    session: str
    reused_of: str | None = None


class StoredRoom(msgspec.Struct, frozen=True, kw_only=True):
    """A person's room with a home, which vouched for it last at `vouched_at`, or never: 0."""

    id: str
    home: str
    home_name: str
    vouched_at: float = 0.0


class WayIn(msgspec.Struct, frozen=True, kw_only=True):
    """What a person showed to log in: the hash that their password fits, or their passkey's id."""

    password_hash: str | None = None
    passkey: bytes | None = None


class StoredSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session that goes on. `client` is what `user_agents.family` said of it."""

    id: str
    client: str
    began_at: float
    used_at: float


class StoredNotice(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to an account; `by_session` is the one it was done in."""

    kind: NoticeKind
    first_at: float
    last_at: float
    count: int = 1
    subject: str | None = None
    by_session: str | None = None


class StoredPasskey(msgspec.Struct, frozen=True, kw_only=True):
    """A passkey: its credential id, its COSE public key, and how often it says it has signed."""

    id: bytes
    name: str
    public_key: bytes
    sign_count: int
    created_at: float
    used_at: float | None = None


class PasskeyHolder(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a passkey is, and by what handle its authenticator knows them."""

    user: User
    handle: bytes
    passkey: StoredPasskey


class PasskeyStorage(Protocol):
    """Passkeys. Times are seconds since 1970; every method raises `StorageFailed` as `Storage`."""

    async def handle_of(self, user: str, fresh: bytes) -> bytes:
        """Give the handle of a person, which is `fresh` if they had none."""

    async def add(self, user: str, passkey: StoredPasskey) -> None:
        """Add a passkey.

        Raises:
            PasskeyRefused: a passkey with this id exists.
        """

    async def of_user(self, user: str) -> list[StoredPasskey]:
        """List a person's passkeys, the oldest first."""

    async def find(self, passkey: bytes) -> PasskeyHolder | None:
        """Find a passkey by its credential id."""

    async def use(self, passkey: bytes, sign_count: int, now: float) -> bool:
        """Note a use, unless the count is not beyond the last one: then give False.

        Zero after zero is allowed: authenticators whose keys are synchronised do not count.
        """

    async def remove(self, user: str, passkey: bytes) -> str | None:
        """Remove a passkey of this person and give its name; of another, or none: nothing.

        Raises:
            PasskeysNeeded: nothing else opens the account.
        """


class OwnAccountStorage(Protocol):
    """What a person does to their account. Times and failures are as those of `Storage`."""

    async def sessions(self, user: str, now: float) -> list[StoredSession]:
        """List the sessions that go on, the one used last first; a hundred at most."""

    async def end_session(self, user: str, session: str) -> bool:
        """End a session of this person; False where it is another's, or over already."""

    async def end_others(self, user: str, kept: str) -> list[str]:
        """End all sessions but one, and give those that ended."""

    async def prove(self, session: str, now: float) -> None:
        """Note that a session's person has shown who they are."""

    async def has_password(self, user: str) -> bool:
        """Whether a password opens the account."""

    async def set_password(self, user: str, password_hash: str, kept: str) -> list[str]:
        """Change the hash, end all sessions but one, and give those that ended."""

    async def drop_password(self, user: str, passkeys: int, kept: str) -> list[str] | None:
        """As `set_password`, with no hash at all. None: the person has fewer passkeys than that."""

    async def delete(self, user: str) -> list[str]:
        """Delete the account with all that hangs on it, and give the sessions it had."""


class NoticeStorage(Protocol):
    """Notices. Times and failures are as those of `Storage`."""

    async def add(self, user: str, notice: StoredNotice) -> None:
        """Add a notice. Wrong passwords and reused tokens of one day become one; old ones go."""

    async def of_user(self, user: str) -> list[StoredNotice]:
        """List a person's notices, the latest first."""

    async def seen_until(self, session: str) -> float:
        """Give until when notices were seen in a session."""

    async def see(self, session: str, now: float) -> None:
        """Note that all notices until now were seen in a session."""


class Storage(Protocol):
    """Accounts, sessions and rooms. Times are seconds since 1970.

    Every method raises `StorageFailed` when the database cannot read or write, and changes
    nothing then.
    """

    async def create_user(self, stored: StoredUser, now: float) -> None:
        """Add an account.

        Raises:
            UsernameTaken: the name exists, whatever the case of its letters.
        """

    async def find_user(self, name: str) -> StoredUser | None:
        """Find an account by its name, whatever the case of its letters."""

    async def create_session(
        self,
        session: str,
        user: str,
        token: bytes,
        now: float,
        client: str = "",
        way_in: WayIn | None = None,
    ) -> None:
        """Begin a session whose first refresh token has this hash; drop sessions that expired.

        Raises:
            WrongCredentials: the account has another password hash than this by now.
            PasskeyRefused: the account has this passkey no more.
        """

    async def rotate(self, token: bytes, fresh: bytes, now: float) -> Rotated | Revoked | None:
        """Exchange a refresh token for a fresh one, both by hash, as `sessions.judge` rules.

        None: the token is unknown, or its session has expired.
        """

    async def session_of(self, token: bytes) -> str | None:
        """Give the session of a refresh token of any age, by its hash."""

    async def revoke(self, token: bytes) -> str | None:
        """End the session of a refresh token of any age, and give the session's id."""

    async def is_live(self, session: str, now: float) -> bool:
        """Whether a session exists, is not revoked, and has not expired."""

    async def proved_at(self, session: str) -> float | None:
        """Give when the person of a session last showed who they are."""

    async def ensure_rooms(self, user: str, homes: Iterable[str]) -> None:
        """Give the person a room with each of these homes, where there is none yet."""

    async def rooms_of_user(self, user: str) -> list[StoredRoom]:
        """List the person's rooms."""

    async def rooms_of_home(self, home: str) -> list[StoredRoom]:
        """List the rooms that a home is in."""

    async def name_home(self, home: str, name: str) -> None:
        """Note what a home calls itself."""

    async def vouch(self, room: str, home: str, now: float) -> None:
        """Note that a home vouches for a room of its own.

        Raises:
            RoomUnknown: no such room, or another home's.
        """

    async def owner_of(self, home: str, fresh: User, now: float) -> User:
        """Give the account that a home's owner has by its word; `fresh` becomes it at first.

        It has no password.

        Raises:
            UsernameTaken: another account has the name of `fresh`.
        """

    async def check(self) -> None:
        """Read something, to see that the database answers."""

    async def close(self) -> None:
        """Finish what was begun and let go of the files."""
