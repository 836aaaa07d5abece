"""What a device and the home PC say on the data channel before any chat: who they are.

Connecting is for devices that are known, pairing for those that are to be. docs/protocol.md,
Trust, gives the order and what is signed. Until the end of it no other message is understood.
"""

from typing import Annotated, Literal

import msgspec

from protocol.base import Count, Message, Name
from protocol.errors import ErrorCode
from protocol.roads import Bytes32, LanTicket

PairingMethod = Literal["secret", "compare"]
"""By a secret that was scanned or typed, or by people who compare a code on both screens."""

# base64url without padding. The last character has bits to spare, which are zero: one text a value.
_END_OF_32 = "[AEIMQUYcgkosw048]"
_ED25519 = f"[A-Za-z0-9_-]{{42}}{_END_OF_32}"
_P256 = f"B[A-Za-z0-9_-]{{85}}{_END_OF_32}"

KeyId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]
HomeKey = Annotated[str, msgspec.Meta(pattern=rf"^{_ED25519}$(?!\n)")]
"""An Ed25519 public key (RFC 8032), 32 bytes."""

DeviceKey = Annotated[str, msgspec.Meta(pattern=rf"^(?:{_ED25519}|{_P256})$(?!\n)")]
"""An Ed25519 public key, or one of P-256: 65 bytes, uncompressed (SEC 1, section 2.3.3)."""

Signature = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{85}[AQgw]$(?!\n)")]
"""64 bytes: Ed25519's, or r and s of an ECDSA signature with SHA-256."""

# connecting, device to PC


class Introduce(Message, frozen=True, kw_only=True):
    """The first message of a known device: its id, and a commitment to a nonce of its own."""

    version: Count
    device: KeyId
    commitment: Bytes32


class Prove(Message, frozen=True, kw_only=True):
    """The device's signature, and the nonce that it committed to."""

    signature: Signature
    nonce: Bytes32


# connecting, PC to device


class Challenge(Message, frozen=True, kw_only=True):
    """Answers `Introduce`: the home's nonce and its signature."""

    nonce: Bytes32
    signature: Signature


class Bound(Message, frozen=True, kw_only=True):
    """Answers `Prove`: both ends are proved, chat may begin.

    `lan` is how the device finds the PC the next time with no server between.
    """

    lan: LanTicket | None = None


# pairing, device to PC


class PairRequest(Message, frozen=True, kw_only=True):
    """A device asks to be known: its key, a commitment to a nonce, a name for people to read."""

    version: Count
    method: PairingMethod
    key: DeviceKey
    commitment: Bytes32
    name: Name


class PairReveal(Message, frozen=True, kw_only=True):
    """The nonce that the device committed to; by secret, also the proof that it knows it."""

    nonce: Bytes32
    mac: Bytes32 | None = None


class PairConfirm(Message, frozen=True, kw_only=True):
    """The device has accepted the home: its signature."""

    signature: Signature


# pairing, PC to device


class PairOffer(Message, frozen=True, kw_only=True):
    """Answers `PairRequest`: the home's key and nonce."""

    key: HomeKey
    nonce: Bytes32


class PairAccept(Message, frozen=True, kw_only=True):
    """The home has accepted the device: its signature; by secret, also its own proof of it."""

    signature: Signature
    mac: Bytes32 | None = None


class Paired(Message, frozen=True, kw_only=True):
    """The device is in the home's list, on disk."""


# either


class TrustError(Message, frozen=True, kw_only=True, tag="error"):
    """The home goes no further, and closes the channel."""

    code: ErrorCode
    message: str


ToHome = Introduce | Prove | PairRequest | PairReveal | PairConfirm
FromHome = Challenge | Bound | PairOffer | PairAccept | Paired | TrustError
