"""What a person and the VDS say over HTTP about the person's own account."""

from typing import Annotated, Literal

import msgspec

from protocol.accounts import AnyPassword, NewPassword
from protocol.base import Count, Name, Record
from protocol.passkeys import PasskeyAssertion

NoticeKind = Literal[
    "wrong_password",
    "token_reused",
    "passkey_added",
    "passkey_removed",
    "password_changed",
    "password_dropped",
]

ClientFamily = Annotated[str, msgspec.Meta(max_length=64)]


class Proof(Record, frozen=True, kw_only=True):
    """That it is the person: exactly one of a password and a signed challenge."""

    password: AnyPassword | None = None
    passkey: PasskeyAssertion | None = None


class PasswordChange(Record, frozen=True, kw_only=True):
    """Have this password from now on."""

    password: NewPassword
    proof: Proof


class SessionSummary(Record, frozen=True, kw_only=True):
    """A session of the person who asks. Times are milliseconds since 1970.

    `client` names a browser and a system, as in 'Firefox, Linux', and is empty where unknown.
    """

    id: str
    client: ClientFamily
    began_ms: Count
    used_ms: Count
    is_this: bool


class Account(Record, frozen=True, kw_only=True):
    """The account of the person who asks, with its sessions, the one used last first."""

    has_password: bool
    sessions: list[SessionSummary]


class AccountNotice(Record, frozen=True, kw_only=True):
    """Something that happened to the account, `count` times from `first_ms` to `last_ms`.

    `subject` is the name of the passkey. `is_new`: not seen yet, and not done, in this session.
    """

    kind: NoticeKind
    subject: Name | None = None
    count: Count
    first_ms: Count
    last_ms: Count
    is_new: bool


class NoticeList(Record, frozen=True, kw_only=True):
    """What happened to the account of the person who asks, the latest first."""

    notices: list[AccountNotice]
