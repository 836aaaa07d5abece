"""Signatures of devices, verified strictly: whatever is wrong with one is False, never an error.

Strict, so that both languages give the same verdict. Of Ed25519 (RFC 8032) that means: canonical
encodings only, and no key or R of small order, for which a signature can fit any text. ECDSA may be
of either of its two forms (s and n - s), as WebCrypto makes them: no signature is used as a name.

The library refuses what is out of range, not on the curve or in another form of a point; what it
does not look at is looked at here. The vectors hold all of it.
"""

from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

SIGNATURE_BYTES = 64
_ED25519_BYTES = 32
_P256_BYTES = 65

_ED25519_PRIME = 2**255 - 19
_ORDER_8_Y = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
# The y of the eight points whose order divides the cofactor. Either sign of x.
_SMALL_ORDER_Y = {0, 1, _ED25519_PRIME - 1, _ORDER_8_Y, _ED25519_PRIME - _ORDER_8_Y}


class HomeSigner(Protocol):
    """The home's key: `Identity`."""

    @property
    def key(self) -> bytes:
        """The raw Ed25519 public key, 32 bytes."""

    def sign(self, transcript: bytes) -> bytes:
        """Give the signature, 64 bytes."""


def verify(key: bytes, signature: bytes, data: bytes) -> bool:
    """Say whether the holder of the key signed the data.

    Args:
        key: Ed25519, 32 raw bytes, or P-256, 65 bytes uncompressed.
        signature: 64 bytes: R and S, or r and s in big endian.
        data: What was signed.
    """
    if len(signature) != SIGNATURE_BYTES:
        return False
    if len(key) == _ED25519_BYTES:
        return _verify_ed25519(key, signature, data)
    if len(key) == _P256_BYTES:
        return _verify_p256(key, signature, data)
    return False


def _verify_ed25519(key: bytes, signature: bytes, data: bytes) -> bool:
    if _is_weak(key) or _is_weak(signature[:32]):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def _is_weak(point: bytes) -> bool:
    """Whether the encoding is not canonical, or is of a point of small order."""
    y = int.from_bytes(point, "little") & (2**255 - 1)
    return y >= _ED25519_PRIME or y in _SMALL_ORDER_Y


def _verify_p256(key: bytes, signature: bytes, data: bytes) -> bool:
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
        public.verify(encode_dss_signature(r, s), data, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True
