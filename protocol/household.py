"""What a device and its home say about people and devices, once both are proved.

Beside the messages of `chat`, on the same channel. A request carries an id made by the device and
is answered by `Done`, by what was asked for, or by `RequestRefused`. The owner may ask for all of
it; others see and change their own devices only, and guests change nothing.
"""

from typing import Annotated, Literal

import msgspec

from protocol.base import Count, Id, Message, Name, Record
from protocol.errors import ErrorCode
from protocol.trust import KeyId, PairingMethod

PersonId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
PersonRole = Literal["owner", "member", "guest"]
NewRole = Literal["member", "guest"]

Code = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-HJKMNP-TV-Z]{8}$(?!\n)")]
"""Forty bits in Crockford's letters: what both ends of one connection can show."""

Secret = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-HJKMNP-TV-Z]{16}$(?!\n)")]
"""Eighty bits in Crockford's letters: what a device must know to be paired."""

# device to PC


class WatchHousehold(Message, frozen=True, kw_only=True):
    """Send me a `Household` now, and whenever it changes."""

    id: Id


class AddPerson(Message, frozen=True, kw_only=True):
    """Make room for one more person; only the owner may."""

    id: Id
    name: Name
    role: NewRole


class RenamePerson(Message, frozen=True, kw_only=True):
    """Give a person another name: the owner anybody, others themselves."""

    id: Id
    person: PersonId
    name: Name


class RenameDevice(Message, frozen=True, kw_only=True):
    """Give a device another name."""

    id: Id
    device: KeyId
    name: Name


class RevokeDevice(Message, frozen=True, kw_only=True):
    """Remove a device: it is cut off now, and not let in again."""

    id: Id
    device: KeyId


class ReadmitDevice(Message, frozen=True, kw_only=True):
    """Let a removed device back in, for the person whose it was; only the owner may."""

    id: Id
    device: KeyId


class OpenInvitation(Message, frozen=True, kw_only=True):
    """Let one device be paired as this person's; the answer is `InvitationOpened`.

    There is one invitation at a time: this one ends the one before.
    """

    id: Id
    person: PersonId
    method: PairingMethod


class AnswerPairing(Message, frozen=True, kw_only=True):
    """The person's answer to `PairingAsked`."""

    id: Id
    equal: bool


class CloseInvitation(Message, frozen=True, kw_only=True):
    """End the invitation that I opened, if it is still open."""

    id: Id


# PC to device


class Done(Message, frozen=True, kw_only=True):
    """The request was carried out."""

    id: Id


class RequestRefused(Message, frozen=True, kw_only=True):
    """The request was not carried out, and nothing was changed."""

    id: Id
    code: ErrorCode
    message: str


class PersonShown(Record, frozen=True, kw_only=True):
    """A person in the list."""

    id: PersonId
    name: Name
    role: PersonRole


class LiveConnection(Record, frozen=True, kw_only=True):
    """A connection of a device that is open now. `code` is what the device's verify page shows."""

    road: Name
    since_ms: Count
    code: Code


class DeviceShown(Record, frozen=True, kw_only=True):
    """A device in the list. Times are Unix time in milliseconds, by the PC's clock."""

    id: KeyId
    person: PersonId
    name: Name
    paired_ms: Count
    seen_ms: Count | None = None
    road: Name | None = None
    revoked: bool = False
    live: list[LiveConnection]


class Household(Message, frozen=True, kw_only=True):
    """Everybody and every device that the asking one may see; `person` and `device` are its own."""

    person: PersonId
    device: KeyId | None = None
    people: list[PersonShown]
    devices: list[DeviceShown]


class InvitationOpened(Message, frozen=True, kw_only=True):
    """Answers `OpenInvitation`; by comparing there is no secret.

    `home` is the home's id, which a QR carries so that a device knows whose key to accept.
    """

    id: Id
    home: KeyId
    secret: Secret | None = None
    life_ms: Count


class PairingAsked(Message, frozen=True, kw_only=True):
    """A device that calls itself so shows a code: is it this one? Answered by `AnswerPairing`."""

    code: Code
    name: Name


class InvitationEnded(Message, frozen=True, kw_only=True):
    """The invitation is over: `device` was paired, or `code` and `message` say why none was."""

    device: KeyId | None = None
    code: ErrorCode | None = None
    message: str | None = None


Request = (
    WatchHousehold
    | AddPerson
    | RenamePerson
    | RenameDevice
    | RevokeDevice
    | ReadmitDevice
    | OpenInvitation
    | AnswerPairing
    | CloseInvitation
)
Reply = Done | RequestRefused | Household | InvitationOpened | PairingAsked | InvitationEnded
