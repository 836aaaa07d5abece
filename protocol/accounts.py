"""What a client and the VDS say over HTTP: accounts and sessions."""

from typing import Annotated

import msgspec

from protocol import limits
from protocol.base import Count, Name, Record
from protocol.errors import ErrorCode

Username = Annotated[str, msgspec.Meta(pattern=limits.USERNAME_PATTERN)]
NewPassword = Annotated[
    str,
    msgspec.Meta(min_length=limits.PASSWORD_MIN_CHARS, max_length=limits.PASSWORD_MAX_CHARS),
]
AnyPassword = Annotated[str, msgspec.Meta(min_length=1, max_length=limits.PASSWORD_MAX_CHARS)]


class Registration(Record, frozen=True, kw_only=True):
    """Create an account."""

    username: Username
    password: NewPassword


class Credentials(Record, frozen=True, kw_only=True):
    """Log in. Looser than `Registration`, so that a wrong guess is wrong and not malformed."""

    username: Name
    password: AnyPassword


class HomeLogIn(Record, frozen=True, kw_only=True):
    """Log in by the word of a home of this server: a token that the home signed, good once."""

    assertion: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]


class User(Record, frozen=True, kw_only=True):
    """A person with an account on this VDS."""

    id: str
    name: Name


class Session(Record, frozen=True, kw_only=True):
    """A person is logged in. The refresh token travels in a cookie that no script can read."""

    access_token: str
    expires_in_s: Count
    user: User


class Problem(Record, frozen=True, kw_only=True):
    """Why a request was refused."""

    code: ErrorCode
    message: str
    retry_after_s: Count | None = None
