"""What the VDS keeps: an interface, so that one node's SQLite can become many nodes' PostgreSQL."""

from collections.abc import Iterable
from typing import Protocol

import msgspec

from protocol.accounts import User


class StoredUser(msgspec.Struct, frozen=True, kw_only=True):
    """A person's account."""

    user: User
    password_hash: str


class Rotated(msgspec.Struct, frozen=True, kw_only=True):
    """A refresh token was good; the fresh one is stored."""

    session: str
    user: User


class Revoked(msgspec.Struct, frozen=True, kw_only=True):
    """The token belongs to a session that is revoked, perhaps by this very use of it."""

    session: str


class StoredRoom(msgspec.Struct, frozen=True, kw_only=True):
    """A person's room with a home."""

    id: str
    home: str
    home_name: str


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

    async def remove(self, user: str, passkey: bytes) -> None:
        """Remove a passkey of this person; of another, or one that is not there: nothing."""


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

    async def create_session(self, session: str, user: str, token: bytes, now: float) -> None:
        """Begin a session whose first refresh token has this hash; drop sessions that expired."""

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

    async def ensure_rooms(self, user: str, homes: Iterable[str]) -> None:
        """Give the person a room with each of these homes, where there is none yet."""

    async def rooms_of_user(self, user: str) -> list[StoredRoom]:
        """List the person's rooms."""

    async def rooms_of_home(self, home: str) -> list[StoredRoom]:
        """List the rooms that a home is in."""

    async def name_home(self, home: str, name: str) -> None:
        """Note what a home calls itself."""

    async def check(self) -> None:
        """Read something, to see that the database answers."""

    async def close(self) -> None:
        """Finish what was begun and let go of the files."""
