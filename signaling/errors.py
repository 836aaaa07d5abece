"""Every error of the VDS.

SignalingError
├── Refused                  answered to a client, as a Problem or an error message
│   ├── WrongCredentials     401  wrong_credentials
│   ├── UsernameTaken        409  username_taken
│   ├── PasskeyRefused       401  passkey_refused
│   ├── PasskeysFull         409  passkeys_full
│   ├── PasskeysUnavailable  404  passkeys_unavailable
│   ├── PasskeysNeeded       409  passkeys_needed
│   ├── Reauthenticate       403  reauthentication_needed
│   ├── NotLoggedIn          401  not_logged_in
│   ├── SessionRevoked       401  session_revoked
│   ├── TokenExpired         401  token_expired
│   ├── TokenInvalid         401  token_invalid
│   ├── OriginRefused        403  origin_refused
│   ├── NotFound             404  not_found
│   ├── BodyTooLarge         413  too_large
│   ├── RateLimited          429  rate_limited
│   ├── TooManyConnections   429  too_many_connections
│   ├── NotAuthenticated     401  not_authenticated
│   ├── AlreadyAuthenticated 400  malformed
│   ├── RoomUnknown          404  room_unknown
│   ├── PeerUnreachable      404  peer_unreachable
│   ├── Replaced             409  replaced
│   ├── StorageFailed        503  storage_failed
│   └── Internal             500  internal
└── CannotStart              the process ends with its sentence and exit status 1
    ├── BadSetting           a setting of the environment or of .env.universal
    ├── PortTaken            something else listens there
    ├── DataFolderUnusable   it cannot be made, or not be written
    ├── DiskFull             no room for the database or a key
    ├── KeyDamaged           the signing key cannot be read
    ├── DatabaseNewer        written by a newer Hearth
    ├── DatabaseDamaged      not a database, or broken
    └── MigrationChanged     an applied migration is not the one of this version

What comes over the wire and is no message raises `protocol.errors.ProtocolError` instead.
"""

import math
from typing import ClassVar

from protocol.errors import ErrorCode


class SignalingError(Exception):
    """Anything that goes wrong on the VDS. The message is a sentence for a person."""


class Refused(SignalingError):
    """What a client asked for is not done. `status` is what HTTP says, `code` what the wire says.

    The sentence never repeats what was received.
    """

    code: ClassVar[ErrorCode]
    status: ClassVar[int]
    sentence: ClassVar[str]

    def __init__(self, sentence: str | None = None, *, retry_after: float | None = None) -> None:
        super().__init__(sentence or self.sentence)
        self.retry_after_s = None if retry_after is None else max(1, math.ceil(retry_after))


class WrongCredentials(Refused):
    """Unknown name or wrong password: one answer for both."""

    code, status = "wrong_credentials", 401
    sentence = "The username or the password is wrong."


class UsernameTaken(Refused):
    """Another account has this name, perhaps in other letters' case."""

    code, status = "username_taken", 409
    sentence = "This username is taken. Choose another one."


class PasskeyRefused(Refused):
    """Unknown, signed wrongly, for another page, too late, or a copy: one answer for all."""

    code, status = "passkey_refused", 401
    sentence = "This passkey was not accepted. Try again, or log in with your password."


class PasskeysFull(Refused):
    """A person has as many passkeys as they may."""

    code, status = "passkeys_full", 409
    sentence = "You have too many passkeys. Remove one that you do not use."


class PasskeysUnavailable(Refused):
    """A passkey belongs to a name, and this server's address is a number."""

    code, status = "passkeys_unavailable", 404
    sentence = "Passkeys need a server with a name. Set HEARTH_ORIGIN to an address with one."


class PasskeysNeeded(Refused):
    """Without a password only passkeys open an account, so there have to be some."""

    code, status = "passkeys_needed", 409
    sentence = (
        "Have two passkeys before you drop the password, and keep one for as long as you have none."
    )


class Reauthenticate(Refused):
    """The session is good, but its person has not shown who they are for a while."""

    code, status = "reauthentication_needed", 403
    sentence = "Confirm with your password or a passkey that it is you, and try again."


class NotLoggedIn(Refused):
    """No token, an unknown one, or one that has expired."""

    code, status = "not_logged_in", 401
    sentence = "You are not logged in."


class SessionRevoked(Refused):
    """The session was ended: by logging out, or because an old refresh token was used again."""

    code, status = "session_revoked", 401
    sentence = "This session has ended. Log in again."


class TokenExpired(Refused):
    """The signature is good and the time is over."""

    code, status = "token_expired", 401
    sentence = "The token has expired. Get a new one; if it goes on, check the clock."


class TokenInvalid(Refused):
    """Not a token that this server takes."""

    code, status = "token_invalid", 401
    sentence = "The token is not valid here."


class OriginRefused(Refused):
    """The page that asks is not ours."""

    code, status = "origin_refused", 403
    sentence = "Only pages of this server may do that. Open the app at its own address."


class NotFound(Refused):
    """Nothing is served at this address, or not by this method."""

    code, status = "not_found", 404
    sentence = "There is nothing at this address."


class BodyTooLarge(Refused):
    """The body of a request is beyond the limit."""

    code, status = "too_large", 413
    sentence = "The request is too large."


class RateLimited(Refused):
    """Too often. `retry_after_s` says when to try again."""

    code, status = "rate_limited", 429
    sentence = "Too many attempts. Wait before you try again."


class TooManyConnections(Refused):
    """This account or this address holds as many sockets as it may."""

    code, status = "too_many_connections", 429
    sentence = "Too many connections are open. Close some and try again."


class NotAuthenticated(Refused):
    """The first message on a socket must be `authenticate`, and soon."""

    code, status = "not_authenticated", 401
    sentence = "The first message must authenticate, within a few seconds."


class AlreadyAuthenticated(Refused):
    """A socket authenticates once."""

    code, status = "malformed", 400
    sentence = "This connection is authenticated already."


class RoomUnknown(Refused):
    """No such room, or not one of yours: one answer for both."""

    code, status = "room_unknown", 404
    sentence = "There is no such room for you."


class PeerUnreachable(Refused):
    """The peer is not in the room now."""

    code, status = "peer_unreachable", 404
    sentence = "The other side is not connected now."


class Replaced(Refused):
    """A newer connection of the same home took over."""

    code, status = "replaced", 409
    sentence = "This home connected again somewhere else; the newer connection stays."


class StorageFailed(Refused):
    """The database could not read or write."""

    code, status = "storage_failed", 503
    sentence = "The server could not use its database. Try again later."


class Internal(Refused):
    """A mistake of ours."""

    code, status = "internal", 500
    sentence = "The server made a mistake. Try again."


class CannotStart(SignalingError):
    """The server cannot start; the sentence says what to do."""


class BadSetting(CannotStart):
    """A setting has a value that cannot be."""


class PortTaken(CannotStart):
    """Something else listens on the port."""


class DataFolderUnusable(CannotStart):
    """The data folder cannot be made or written."""


class DiskFull(CannotStart):
    """No room left on the disk."""


class KeyDamaged(CannotStart):
    """The file of the signing key holds no Ed25519 key."""


class DatabaseNewer(CannotStart):
    """The database was written by a newer version of Hearth."""


class DatabaseDamaged(CannotStart):
    """The file is not a database, or is broken."""


class MigrationChanged(CannotStart):
    """A migration that the database went through differs from the one shipped now."""
