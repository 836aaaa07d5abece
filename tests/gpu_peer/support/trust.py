"""Ends of the trust protocol for tests: a home's list, and a device that signs for itself."""

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gpu_peer.identity import Identity
from gpu_peer.trust.connect import Fingerprints
from gpu_peer.trust.devices import Device
from gpu_peer.trust.keys import verify
from gpu_peer.trust.pairing import PURPOSES
from protocol import VERSION, base64url
from protocol.transcript import Purpose, Transcript, commitment, key_id, mac
from protocol.trust import (
    Challenge,
    Introduce,
    PairAccept,
    PairConfirm,
    PairingMethod,
    PairOffer,
    PairRequest,
    PairReveal,
    Prove,
)

PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey

VECTORS = Path(__file__).parents[3] / "protocol" / "vectors" / "trust.json"


def fixed(name: str) -> bytes:
    """Thirty-two bytes that look random and are the same in every run."""
    return hashlib.sha256(name.encode()).digest()


def ed25519(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(fixed(name))


def p256(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(fixed(name), "big"), ec.SECP256R1())


def public(key: PrivateKey) -> bytes:
    if isinstance(key, Ed25519PrivateKey):
        return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def sign(key: PrivateKey, data: bytes) -> bytes:
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(data)
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


HOME = Identity(ed25519("home"))
FINGERPRINTS = Fingerprints(home=fixed("home certificate"), device=fixed("device certificate"))


@dataclass
class DeviceList:
    """See `Devices`."""

    known: dict[str, Device] = field(default_factory=dict)

    def add(self, key: bytes, person: str = "anna") -> Device:
        device = Device(id=key_id(key), key=key, person=person)
        self.known[device.id] = device
        return device

    def revoke(self, device_id: str) -> None:
        self.known[device_id] = replace(self.known[device_id], revoked=True)

    def find(self, device_id: str) -> Device | None:
        return self.known.get(device_id)


@dataclass
class DeviceEnd:
    """A device's side of one connection, as the app has it. An attack is an `AssertionError`."""

    key: PrivateKey
    fingerprints: Fingerprints = FINGERPRINTS
    nonce: bytes = fixed("device nonce")
    home_key: bytes = HOME.key
    """By secret or by comparing: what the home's offer said."""

    secret: bytes | None = None
    home_nonce: bytes = b""

    @property
    def commitment(self) -> bytes:
        return commitment(public(self.key), self.nonce)

    def transcript(self, purpose: Purpose) -> Transcript:
        return Transcript(
            purpose=purpose,
            version=VERSION,
            home_key=self.home_key,
            device_key=public(self.key),
            home_fingerprint=self.fingerprints.home,
            device_fingerprint=self.fingerprints.device,
            home_nonce=self.home_nonce,
            commitment=self.commitment,
        )

    def code(self, purpose: Purpose) -> str:
        return self.transcript(purpose).code(self.nonce)

    def introduce(self) -> Introduce:
        return Introduce(
            version=VERSION,
            device=key_id(public(self.key)),
            commitment=base64url.to_text(self.commitment),
        )

    def prove(self, challenge: Challenge) -> Prove:
        self.home_nonce = base64url.from_text(challenge.nonce)
        transcript = self.transcript(Purpose.BIND)
        theirs = base64url.from_text(challenge.signature)
        assert verify(self.home_key, theirs, transcript.of("home")), "attack"
        return Prove(
            signature=base64url.to_text(sign(self.key, transcript.of("device"))),
            nonce=base64url.to_text(self.nonce),
        )

    @property
    def method(self) -> PairingMethod:
        return "compare" if self.secret is None else "secret"

    def request(self) -> PairRequest:
        return PairRequest(
            version=VERSION,
            method=self.method,
            key=base64url.to_text(public(self.key)),
            commitment=base64url.to_text(self.commitment),
            name="Anna's phone",
        )

    def reveal(self, offer: PairOffer) -> PairReveal:
        self.home_key = base64url.from_text(offer.key)
        self.home_nonce = base64url.from_text(offer.nonce)
        proved = self.transcript(PURPOSES[self.method]).of("device")
        return PairReveal(
            nonce=base64url.to_text(self.nonce),
            mac=None if self.secret is None else base64url.to_text(mac(self.secret, proved)),
        )

    def confirm(self, accept: PairAccept) -> PairConfirm:
        transcript = self.transcript(PURPOSES[self.method])
        theirs = base64url.from_text(accept.signature)
        assert verify(self.home_key, theirs, transcript.of("home")), "attack"
        if self.secret is not None:
            assert accept.mac is not None, "attack"
            expected = mac(self.secret, transcript.of("home"))
            assert base64url.from_text(accept.mac) == expected, "attack"
        mine = sign(self.key, transcript.of("device"))
        return PairConfirm(signature=base64url.to_text(mine))
