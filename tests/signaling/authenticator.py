"""An authenticator in software: keys, counts, and every lie that a test needs."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import encode_cbor

_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unbase64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Authenticator:
    """One passkey, as Chromium with a security key would make and use it."""

    origin: str
    count: int = 0
    verifies: bool = True
    cross_origin: bool = False
    rp_id: str | None = None
    algorithm: int = -7
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    handle: str = ""

    def make(self, wanted: dict[str, Any], name: str = "Key") -> dict[str, str]:
        """Answer `PasskeyCreation` with `NewPasskey`."""
        self.handle = wanted["user_handle"]
        numbers = self.key.public_key().public_numbers()
        x, y = (n.to_bytes(32, "big") for n in (numbers.x, numbers.y))
        cose = encode_cbor({1: 2, 3: self.algorithm, -1: 1, -2: x, -3: y})
        credential = b"A" * 16 + len(self.id).to_bytes(2, "big") + self.id + cose
        data = self._data(wanted, _ATTESTED) + credential
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        return {
            "name": name,
            "client_data": base64url(self._client_data("webauthn.create", wanted)),
            "attestation": base64url(attestation),
        }

    def sign(self, wanted: dict[str, Any]) -> dict[str, str]:
        """Answer `PasskeyRequest` with `PasskeyAssertion`."""
        self.count += 1
        data = self._data(wanted, 0)
        client_data = self._client_data("webauthn.get", wanted)
        signed = data + hashlib.sha256(client_data).digest()
        return {
            "id": base64url(self.id),
            "client_data": base64url(client_data),
            "authenticator_data": base64url(data),
            "signature": base64url(self.key.sign(signed, ec.ECDSA(SHA256()))),
            "user_handle": self.handle,
        }

    def _client_data(self, kind: str, wanted: dict[str, Any]) -> bytes:
        told = {
            "type": kind,
            "challenge": wanted["challenge"],
            "origin": self.origin,
            "crossOrigin": self.cross_origin,
        }
        return json.dumps(told).encode()

    def _data(self, wanted: dict[str, Any], flags: int) -> bytes:
        flags |= _PRESENT | (_VERIFIED if self.verifies else 0)
        rp_id = hashlib.sha256((self.rp_id or wanted["rp_id"]).encode()).digest()
        return rp_id + bytes([flags]) + self.count.to_bytes(4, "big")
