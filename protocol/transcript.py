"""What the two ends of a connection sign, and the ids and codes that both derive.

Both ends build the same bytes from what they know for themselves: pinned or offered keys, and the
fingerprints of the descriptions that are enforced. Nothing of it is taken from the other's word.
docs/protocol.md, Trust, says what each field is there for.
"""

import hashlib
import hmac
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from protocol import crockford

NONCE_BYTES = 32
SECRET_BYTES = 10
"""80 bits: sixteen characters that can be typed, and no search within the life of a pairing."""

CODE_BYTES = 5
"""40 bits: eight characters that people compare."""

_COMMIT = b"hearth-commit-v1"

Role = Literal["home", "device"]


class Purpose(Enum):
    """What a transcript is for. It is its first field, so none can stand in for another."""

    BIND = "hearth-bind-v1"
    PAIR_SECRET = "hearth-pair-secret-v1"  # noqa: S105  # a context, not a secret
    PAIR_COMPARE = "hearth-pair-compare-v1"


@dataclass(frozen=True)
class Transcript:
    """One connection as both ends see it.

    Attributes:
        purpose: What is being proved.
        version: The version of the wire that both speak.
        home_key: Ed25519, 32 raw bytes.
        device_key: Ed25519, 32 raw bytes, or P-256, 65 bytes uncompressed.
        home_fingerprint: SHA-256 of the home's DTLS certificate, 32 bytes.
        device_fingerprint: The same of the device's.
        home_nonce: 32 random bytes.
        commitment: What the device committed to before it saw the home's nonce, 32 bytes.
    """

    purpose: Purpose
    version: int
    home_key: bytes
    device_key: bytes
    home_fingerprint: bytes
    device_fingerprint: bytes
    home_nonce: bytes
    commitment: bytes

    def of(self, role: Role) -> bytes:
        """Give the bytes that the end in this role signs, and makes its MAC over."""
        return self._fields(role)

    def code_input(self, device_nonce: bytes) -> bytes:
        """Give the bytes whose hash is the code. They name a role that nobody signs in."""
        return self._fields("code", device_nonce)

    def code(self, device_nonce: bytes) -> str:
        """Give the eight characters that both screens show."""
        digest = hashlib.sha256(self.code_input(device_nonce)).digest()
        return crockford.to_text(digest[:CODE_BYTES])

    def _fields(self, role: str, *more: bytes) -> bytes:
        return length_prefixed(
            self.purpose.value.encode(),
            role.encode(),
            self.version.to_bytes(2, "big"),
            self.home_key,
            self.device_key,
            self.home_fingerprint,
            self.device_fingerprint,
            self.home_nonce,
            self.commitment,
            *more,
        )


def loopback_fingerprint(role: Role, port: int) -> bytes:
    """Give what stands for a DTLS fingerprint on the socket of 127.0.0.1, 32 bytes.

    There is no certificate there. But a port has one holder, so both ends that sign the same port
    know that nobody stands between them.
    """
    return hashlib.sha256(f"hearth-loopback-v1 {role} 127.0.0.1:{port}".encode()).digest()


def length_prefixed(*fields: bytes) -> bytes:
    """Join fields so that they can be told apart again: each after its length in two bytes."""
    return b"".join(len(field).to_bytes(2, "big") + field for field in fields)


def commitment(device_key: bytes, device_nonce: bytes) -> bytes:
    """Give what binds a device to its nonce without showing it, 32 bytes."""
    return hashlib.sha256(length_prefixed(_COMMIT, device_key, device_nonce)).digest()


def mac(secret: bytes, transcript: bytes) -> bytes:
    """Give the HMAC-SHA-256 (RFC 2104) that proves knowledge of a pairing's secret, 32 bytes."""
    return hmac.digest(secret, transcript, "sha256")


def key_id(key: bytes) -> str:
    """Give the 32 hexadecimal digits that name a home or a device by its public key.

    The key is in the form that it has in a transcript; its length says of which algorithm it is.
    """
    return hashlib.sha256(key).hexdigest()[:32]
