"""Make protocol/vectors/trust.json: fixed keys and nonces, and everything that follows from them.

Both languages are held to these bytes. Keys and nonces are hashes of their names, so that nothing
here is random; ECDSA signatures are made as RFC 6979 says, for the same reason.
"""

import hashlib
import json
from dataclasses import fields
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from protocol import VERSION, base64url, crockford
from protocol.transcript import (
    NONCE_BYTES,
    SECRET_BYTES,
    Purpose,
    Transcript,
    commitment,
    key_id,
    loopback_fingerprint,
    mac,
)

ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
ED25519_PRIME = 2**255 - 19
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ORDER_8_Y = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826


def fixed(name: str, length: int = NONCE_BYTES) -> bytes:
    return hashlib.sha256(f"hearth test vector: {name}".encode()).digest()[:length]


HOME = Ed25519PrivateKey.from_private_bytes(fixed("home key"))
DEVICES: dict[str, Ed25519PrivateKey | ec.EllipticCurvePrivateKey] = {
    "ed25519": Ed25519PrivateKey.from_private_bytes(fixed("device key")),
    "p256": ec.derive_private_key(int.from_bytes(fixed("device key p256"), "big"), ec.SECP256R1()),
}
SECRET = fixed("secret", SECRET_BYTES)


def public(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    if isinstance(key, Ed25519PrivateKey):
        return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def sign(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(data)
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(SHA256(), deterministic_signing=True)))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def transcripts() -> list[dict[str, Any]]:
    made = []
    for purpose in Purpose:
        for kind, device in DEVICES.items():
            name = f"{purpose.name.lower()} {kind}"
            nonce = fixed(f"{name} device nonce")
            transcript = Transcript(
                purpose=purpose,
                version=VERSION,
                home_key=public(HOME),
                device_key=public(device),
                home_fingerprint=fixed(f"{name} home fingerprint"),
                device_fingerprint=fixed(f"{name} device fingerprint"),
                home_nonce=fixed(f"{name} home nonce"),
                commitment=commitment(public(device), nonce),
            )
            made.append(
                {
                    "name": name,
                    "fields": {
                        f.name: told(getattr(transcript, f.name)) for f in fields(transcript)
                    },
                    "device_nonce": nonce.hex(),
                    "home": transcript.of("home").hex(),
                    "device": transcript.of("device").hex(),
                    "code_input": transcript.code_input(nonce).hex(),
                    "code": transcript.code(nonce),
                    "secret": SECRET.hex(),
                    "home_mac": mac(SECRET, transcript.of("home")).hex(),
                    "device_mac": mac(SECRET, transcript.of("device")).hex(),
                    "home_signature": sign(HOME, transcript.of("home")).hex(),
                    "device_signature": sign(device, transcript.of("device")).hex(),
                }
            )
    return made


def told(value: object) -> object:
    if isinstance(value, Purpose):
        return value.value
    return value.hex() if isinstance(value, bytes) else value


def signatures() -> list[dict[str, Any]]:
    """Right signatures, and every way known to us in which one can be wrong."""
    data = b"what is signed"
    cases: list[dict[str, Any]] = []

    def case(name: str, key: bytes, signature: bytes, valid: bool = False) -> None:
        cases.append(
            {
                "name": name,
                "key": key.hex(),
                "data": data.hex(),
                "signature": signature.hex(),
                "valid": valid,
            }
        )

    key, good = public(HOME), sign(HOME, data)
    s = int.from_bytes(good[32:], "little")
    case("ed25519", key, good, valid=True)
    case("ed25519, s not reduced", key, good[:32] + (s + ED25519_ORDER).to_bytes(32, "little"))
    case("ed25519, one byte short", key, good[:-1])
    case("ed25519, one byte more", key, good + b"\0")
    case("ed25519, of another key", public(DEVICES["ed25519"]), good)
    case("ed25519, key not on the curve", (2).to_bytes(32, "little"), good)
    case("ed25519, key one byte short", key[:-1], good)
    case("no signature", key, b"")
    case("no key", b"", good)
    # What fits sB = R + kA, and so is accepted where nobody looks at the points themselves.
    for y in (0, 1, ED25519_PRIME - 1, ORDER_8_Y, ED25519_PRIME - ORDER_8_Y):
        for sign_bit in (0, 1):
            point = (y | sign_bit << 255).to_bytes(32, "little")
            name = f"{point.hex()[:8]}, {sign_bit}"
            case(f"ed25519, key of small order {name}", point, fits_small_order(point, data))
            case(f"ed25519, R of small order {name}", key, point + good[32:])
    for y in (ED25519_PRIME, ED25519_PRIME + 1):
        point = y.to_bytes(32, "little")
        name = point.hex()[:2]
        case(f"ed25519, key not canonical, {name}", point, fits_small_order(point, data))
    case("ed25519, key not canonical, on no curve", (2**255 - 1).to_bytes(32, "little"), good)
    identity = (1).to_bytes(32, "little")
    s = challenge(identity, key, data) * scalar(fixed("home key")) % ED25519_ORDER
    case("ed25519, R is the identity, s fits", key, identity + s.to_bytes(32, "little"))

    device = DEVICES["p256"]
    key, good = public(device), sign(device, data)
    r, s = int.from_bytes(good[:32], "big"), int.from_bytes(good[32:], "big")

    def raw(r: int, s: int) -> bytes:
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    case("p256", key, good, valid=True)
    case("p256, the other form of s", key, raw(r, P256_ORDER - s), valid=True)
    case("p256, r is zero", key, raw(0, s))
    case("p256, s is zero", key, raw(r, 0))
    case("p256, both are zero", key, bytes(64))
    case("p256, r is the order", key, raw(P256_ORDER, s))
    case("p256, s is the order", key, raw(r, P256_ORDER))
    case("p256, all ones", key, b"\xff" * 64)
    case("p256, one byte short", key, good[:-1])
    case("p256, key not on the curve", key[:-1] + bytes([key[-1] ^ 1]), good)
    case("p256, key all zero", b"\x04" + bytes(64), good)
    case("p256, key compressed", bytes([2 + (key[-1] & 1)]) + key[1:33], good)
    case("p256, key in the hybrid form", bytes([6 + (key[-1] & 1)]) + key[1:], good)
    case("p256, key compressed and filled up", bytes([2 + (key[-1] & 1)]) + key[1:], good)
    case("p256, key one byte more", key + b"\0", good)
    case("p256, point at infinity", b"\0", good)
    return cases


def scalar(seed: bytes) -> int:
    """The secret number behind a seed (RFC 8032, section 5.1.5)."""
    number = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    return (number & (2**254 - 8) | 2**254) % ED25519_ORDER


def challenge(r: bytes, key: bytes, data: bytes) -> int:
    """The k of a signature (RFC 8032, section 5.1.6)."""
    return int.from_bytes(hashlib.sha512(r + key + data).digest(), "little") % ED25519_ORDER


def fits_small_order(key: bytes, data: bytes) -> bytes:
    """A signature without any secret: R = sB, and k a multiple of eight, so that kA vanishes."""
    for attempt in count():
        seed = fixed(f"R {attempt}")
        r = public(Ed25519PrivateKey.from_private_bytes(seed))
        if challenge(r, key, data) % 8 == 0:
            return r + scalar(seed).to_bytes(32, "little")
    raise AssertionError


def fingerprints() -> list[dict[str, Any]]:
    one, other = fixed("fingerprint one"), fixed("fingerprint other")

    def line(value: bytes, kind: str = "sha-256") -> str:
        return f"a=fingerprint:{kind} {value.hex(':').upper()}"

    head = ["v=0", "s=-", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel"]

    def case(name: str, lines: list[str], found: bytes | None, end: str = "\r\n") -> dict[str, Any]:
        text = end.join([*head, *lines]) + end
        return {"name": name, "sdp": text, "fingerprint": found.hex() if found else None}

    return [
        case("one", [line(one)], one),
        case("small letters", [line(one).lower()], one),
        case("line feeds only", [line(one)], one, end="\n"),
        case("the same twice", [line(one), "a=mid:0", line(one).lower()], one),
        case("none", [], None),
        case("two", [line(one), line(other)], None),
        case("another kind only", [line(one, "sha-512")], None),
        case("another kind beside it", [line(one), line(other, "sha-1")], None),
        case("too short", [line(one)[:-3]], None),
        case("too long", [line(one) + ":00"], None),
        case("one and a broken one", [line(one), "a=fingerprint:sha-256"], None),
        case("one and one behind a space", [line(one), " " + line(other)], None),
        case("not hexadecimal", [line(one)[:-2] + "G0"], None),
    ]


def typed() -> list[dict[str, Any]]:
    text = crockford.to_text(SECRET)
    texts: list[tuple[str, bytes | None]] = [
        (text, SECRET),
        (text.lower(), SECRET),
        (text.replace("-", " "), SECRET),
        (text.replace("-", ""), SECRET),
        ("0" * 16, bytes(10)),
        ("OoOo-oOoO-0000-OOOO", bytes(10)),
        ("Il1I-1111-1111-1111", crockford.from_text("1" * 16, 10)),
        ("Z" * 16, b"\xff" * 10),
        (text[:-1], None),
        (text + "0", None),
        ("U" * 16, None),
        ("", None),
        ("ı111-1111-1111-1111", None),
        ("٠" * 16, None),
        ("*" * 16, None),
    ]
    return [
        {"text": text, "bytes": data.hex() if data is not None else None} for text, data in texts
    ]


def render() -> str:
    keys = {"home": public(HOME), **{kind: public(key) for kind, key in DEVICES.items()}}
    document = {
        "about": "Made by scripts/generate from scripts/trust_vectors.py. Bytes are hexadecimal.",
        "home_seed": fixed("home key").hex(),
        "loopback": [
            {"role": role, "port": port, "fingerprint": loopback_fingerprint(role, port).hex()}
            for role, port in (("home", 8081), ("device", 8081), ("home", 8082))
        ],
        "ids": [{"name": n, "key": k.hex(), "id": key_id(k)} for n, k in keys.items()],
        "base64url": [
            {"bytes": data.hex(), "text": base64url.to_text(data)}
            for data in (b"", b"\0", b"\xff\xee", b"\xfb\xff\xbf", keys["home"], keys["p256"])
        ],
        "typed": typed(),
        "fingerprints": fingerprints(),
        "transcripts": transcripts(),
        "signatures": signatures(),
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
