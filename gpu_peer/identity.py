"""The PC's identity: an Ed25519 key, made on the first start and kept.

The home id is the first 32 hexadecimal digits of SHA-256 over the raw public key, so whoever knows
the id can check the key.
"""

import secrets
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from gpu_peer.errors import KeyUnreadable
from gpu_peer.key_file import read_or_make
from protocol import base64url
from protocol.transcript import key_id

ASSERTION_S = 60
"""How long a home's assertion is good: it is made anew for each connection."""


class Identity:
    """The PC's key, and what is derived from it."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def home_id(self) -> str:
        """32 hexadecimal digits that name this home."""
        return key_id(self._raw)

    @property
    def public_key(self) -> str:
        """The raw public key, base64url without padding."""
        return base64url.to_text(self._raw)

    @property
    def key(self) -> bytes:
        """The raw public key, 32 bytes."""
        return self._raw

    def sign(self, transcript: bytes) -> bytes:
        """Give the Ed25519 signature (RFC 8032), 64 bytes. Only transcripts are signed with it."""
        return self._key.sign(transcript)

    def assertion(self, audience: str, name: str, now_s: float) -> str:
        """Sign that this is the home: a JWT (RFC 7519) for the signaling server `audience`."""
        return self._token("home+jwt", audience, name, now_s)

    def log_in_assertion(self, audience: str, owner: str, now_s: float) -> str:
        """Sign that whoever brings this sits at the PC of this owner; for `HomeLogIn`."""
        return self._token("home-login+jwt", audience, owner, now_s)

    def _token(self, kind: str, audience: str, name: str, now_s: float) -> str:
        claims = {
            "iss": self.home_id,
            "sub": self.home_id,
            "aud": audience,
            "iat": int(now_s),
            "exp": int(now_s) + ASSERTION_S,
            "jti": secrets.token_urlsafe(16),
            "name": name,
        }
        # The kind keeps one from being taken for the other (RFC 8725, section 3.11).
        headers = {"typ": kind, "kid": self.home_id}
        return jwt.encode(claims, self._key, algorithm="EdDSA", headers=headers)


def load_identity(folder: Path) -> Identity:
    """Give the identity kept in `folder`, and make it when there is none.

    Raises:
        KeyUnreadable: the file is damaged, or the system refused.
    """
    path = folder / "identity.pem"
    pem = read_or_make(path, _new_key)
    try:
        key = load_pem_private_key(pem, password=None)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnreadable(f"The key {path} is damaged. Put it back from a backup.")
    return Identity(key)


def _new_key() -> bytes:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
