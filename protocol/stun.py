"""STUN messages: RFC 8489, with the attributes of TURN (RFC 8656) and of ICE (RFC 8445).

`parse` takes what a stranger sent and either gives a message whose known attributes are all well
formed, or raises `NotStun`; nothing else. Integrity is checked apart, for whoever knows the key.
SHA-256 integrity and password algorithms are not spoken: no browser does (RFC 8489, section 9.2.5,
lets a server not offer them).
"""

import hashlib
import hmac
import secrets
import socket
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Generic, NamedTuple, TypeVar

T = TypeVar("T")
Address = tuple[str, int]
"""An IPv4 or IPv6 literal as `socket.inet_ntop` writes it, and a port."""

HEADER_LENGTH = 20
COOKIE = b"\x21\x12\xa4\x42"
"""The magic cookie (section 5)."""

_HEADER = struct.Struct("!HH4s12s")
_ATTRIBUTE = struct.Struct("!HH")
_U16 = struct.Struct("!H")
_U32 = struct.Struct("!I")
_U64 = struct.Struct("!Q")
_INTEGRITY_LENGTH = 20
_INTEGRITY = 0x0008
_FINGERPRINT = 0x8028
_FINGERPRINT_XOR = 0x5354554E
_FIRST_OPTIONAL = 0x8000
_FAMILIES = {1: (socket.AF_INET, 4), 2: (socket.AF_INET6, 16)}

IPV4 = 1
IPV6 = 2
"""Address families (section 14.1)."""


class NotStun(Exception):
    """These bytes are no well-formed STUN message."""


class Class(IntEnum):
    """What a message is (section 5)."""

    REQUEST = 0
    INDICATION = 1
    SUCCESS = 2
    ERROR = 3


class Method(IntEnum):
    """Methods of STUN and TURN (RFC 8656, section 17); a message may have another."""

    BINDING = 0x001
    ALLOCATE = 0x003
    REFRESH = 0x004
    SEND = 0x006
    DATA = 0x007
    CREATE_PERMISSION = 0x008
    CHANNEL_BIND = 0x009


class Problem(NamedTuple):
    """An ERROR-CODE: 300 to 699, and a phrase (section 14.8)."""

    code: int
    reason: str


class FamilyProblem(NamedTuple):
    """An ADDRESS-ERROR-CODE: why one of two families was refused (RFC 8656, section 18.12)."""

    family: int
    code: int
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Kind(Generic[T]):
    """A type of attribute: its number, and how its value is read and written.

    Both ways get the 16 bytes of cookie and transaction id that addresses are masked with.
    """

    type: int
    name: str
    decode: Callable[[bytes, bytes], T]
    encode: Callable[[T, bytes], bytes]

    def of(self, value: T) -> "Attribute":
        """Give an attribute of this type."""
        return Attribute(self, value)


@dataclass(frozen=True, slots=True)
class Attribute:
    """A type and its value; made by `Kind.of`, which sees that they fit."""

    kind: Kind[Any]
    value: object


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it came.

    `unknown` are the comprehension-required types (section 14) that nobody here knows;
    `attributes` has neither these, nor what stands behind MESSAGE-INTEGRITY, nor the integrity and
    the fingerprint themselves.
    """

    method: int
    cls: Class
    transaction_id: bytes
    attributes: tuple[Attribute, ...]
    unknown: tuple[int, ...]
    raw: bytes
    integrity_at: int | None
    has_fingerprint: bool

    def get(self, kind: Kind[T]) -> T | None:
        """Give the value of the first attribute of a type; only that counts (section 14)."""
        for attribute in self.attributes:
            if attribute.kind is kind:
                return attribute.value  # type: ignore[return-value]
        return None

    def every(self, kind: Kind[T]) -> list[T]:
        """Give all values of a type that may come more than once, like XOR-PEER-ADDRESS."""
        return [a.value for a in self.attributes if a.kind is kind]  # type: ignore[misc]

    def has(self, kind: Kind[T]) -> bool:
        """Whether there is an attribute of a type; flags have no value."""
        return any(attribute.kind is kind for attribute in self.attributes)

    def integrity_ok(self, key: bytes) -> bool:
        """Whether there is a MESSAGE-INTEGRITY made with this key (section 14.5)."""
        at = self.integrity_at
        if at is None:
            return False
        start = at + _ATTRIBUTE.size
        found = self.raw[start : start + _INTEGRITY_LENGTH]
        return hmac.compare_digest(found, _integrity(self.raw[:at], key))


def looks_like(data: bytes) -> bool:
    """Whether bytes can be STUN, told from DTLS and ChannelData by their start (RFC 7983)."""
    return len(data) >= HEADER_LENGTH and data[0] < 4 and data[4:8] == COOKIE


def new_transaction_id() -> bytes:
    """Give 12 random bytes."""
    return secrets.token_bytes(12)


def long_term_key(username: str, realm: str, password: str) -> bytes:
    """Give the key of long-term credentials (section 9.2.2); the texts are taken as they are."""
    text = f"{username}:{realm}:{password}"
    return hashlib.md5(text.encode(), usedforsecurity=False).digest()


def short_term_key(password: str) -> bytes:
    """Give the key of short-term credentials, as ICE uses (section 9.1.1)."""
    return password.encode()


def parse(data: bytes) -> Message:
    """Read a message.

    Raises:
        NotStun: it is none or cut off, or its fingerprint or a known attribute is malformed.
    """
    if not looks_like(data):
        raise NotStun("no header of STUN")
    data = bytes(data)
    kind, length, cookie, transaction_id = _HEADER.unpack_from(data)
    if length != len(data) - HEADER_LENGTH or length % 4:
        raise NotStun("the length is wrong")
    mask = cookie + transaction_id
    attributes: list[Attribute] = []
    unknown: list[int] = []
    integrity_at = None
    has_fingerprint = False
    at = HEADER_LENGTH
    while at < len(data):
        type_, size = _ATTRIBUTE.unpack_from(data, at)
        start = at + _ATTRIBUTE.size
        following = start + size + -size % 4
        if has_fingerprint or following > len(data):
            raise NotStun("an attribute is cut off or stands behind the fingerprint")
        if type_ == _FINGERPRINT:
            if data[start:following] != _fingerprint(data[:at]):
                raise NotStun("the fingerprint is wrong")
            has_fingerprint = True
        elif integrity_at is not None:
            pass  # nobody vouches for what stands behind the integrity (section 14.5)
        elif type_ == _INTEGRITY:
            if size != _INTEGRITY_LENGTH:
                raise NotStun("the integrity is malformed")
            integrity_at = at
        elif known := _KINDS.get(type_):
            attributes.append(_read(known, data[start : start + size], mask))
        elif type_ < _FIRST_OPTIONAL:
            unknown.append(type_)
        at = following
    return Message(
        method=(kind & 0x000F) | (kind & 0x00E0) >> 1 | (kind & 0x3E00) >> 2,
        cls=Class((kind & 0x0010) >> 4 | (kind & 0x0100) >> 7),
        transaction_id=transaction_id,
        attributes=tuple(attributes),
        unknown=tuple(unknown),
        raw=data,
        integrity_at=integrity_at,
        has_fingerprint=has_fingerprint,
    )


def build(
    method: int,
    cls: Class,
    transaction_id: bytes,
    attributes: Iterable[Attribute] = (),
    *,
    key: bytes | None = None,
    fingerprint: bool = False,
) -> bytes:
    """Write a message; with a key it gets a MESSAGE-INTEGRITY.

    Raises:
        ValueError: a value cannot be written.
    """
    mask = COOKIE + transaction_id
    body = bytearray()
    for attribute in attributes:
        value = attribute.kind.encode(attribute.value, mask)
        body += _ATTRIBUTE.pack(attribute.kind.type, len(value)) + value + bytes(-len(value) % 4)
    type_ = (method & 0x000F) | (method & 0x0070) << 1 | (method & 0x0F80) << 2
    type_ |= (cls & 1) << 4 | (cls & 2) << 7
    data = _HEADER.pack(type_, len(body), COOKIE, transaction_id) + body
    if key is not None:
        tag = _integrity(data, key)
        data = _with_length(data, _ATTRIBUTE.size + len(tag))
        data += _ATTRIBUTE.pack(_INTEGRITY, len(tag)) + tag
    if fingerprint:
        tag = _fingerprint(data)
        data = _with_length(data, _ATTRIBUTE.size + len(tag))
        data += _ATTRIBUTE.pack(_FINGERPRINT, len(tag)) + tag
    return data


def _read(kind: Kind[Any], value: bytes, mask: bytes) -> Attribute:
    try:
        return Attribute(kind, kind.decode(value, mask))
    except (ValueError, struct.error, IndexError):
        raise NotStun(f"{kind.name} is malformed") from None


def _with_length(data: bytes, more: int) -> bytes:
    """Give a message whose header counts `more` bytes behind its end."""
    return data[:2] + _U16.pack(len(data) - HEADER_LENGTH + more) + data[4:]


def _integrity(data: bytes, key: bytes) -> bytes:
    counted = _with_length(data, _ATTRIBUTE.size + _INTEGRITY_LENGTH)
    return hmac.digest(key, counted, "sha1")


def _fingerprint(data: bytes) -> bytes:
    counted = _with_length(data, _ATTRIBUTE.size + _U32.size)
    return _U32.pack(zlib.crc32(counted) ^ _FINGERPRINT_XOR)


def _address(type_: int, name: str, *, masked: bool = True) -> Kind[Address]:
    """XOR-MAPPED-ADDRESS and its like (section 14.2), or MAPPED-ADDRESS (14.1)."""

    def xor(value: bytes, mask: bytes) -> bytes:
        if not masked:
            return value
        return bytes(a ^ b for a, b in zip(value, mask[:2] + mask, strict=False))

    def decode(value: bytes, mask: bytes) -> Address:
        family, size = _FAMILIES.get(value[1], (None, 0))
        if family is None or len(value) != 4 + size:
            raise ValueError
        plain = xor(value[2:], mask)
        return socket.inet_ntop(family, plain[2:]), _U16.unpack_from(plain)[0]

    def encode(address: Address, mask: bytes) -> bytes:
        number = IPV6 if ":" in address[0] else IPV4
        try:
            packed = socket.inet_pton(_FAMILIES[number][0], address[0])
            return bytes((0, number)) + xor(_U16.pack(address[1]) + packed, mask)
        except (OSError, struct.error):
            raise ValueError(f"{address} is no address") from None

    return Kind(type_, name, decode, encode)


def _bytes(type_: int, name: str, *, exactly: int | None = None, most: int = 65_535) -> Kind[bytes]:
    def check(value: bytes, _mask: bytes) -> bytes:
        if len(value) > most or (exactly is not None and len(value) != exactly):
            raise ValueError
        return value

    return Kind(type_, name, check, check)


def _text(type_: int, name: str, *, most: int = 763) -> Kind[str]:
    def decode(value: bytes, _mask: bytes) -> str:
        if len(value) > most:
            raise ValueError
        return value.decode()

    return Kind(type_, name, decode, lambda value, _mask: value.encode()[:most])


def _flag(type_: int, name: str) -> Kind[None]:
    def decode(value: bytes, _mask: bytes) -> None:
        if value:
            raise ValueError

    return Kind(type_, name, decode, lambda _value, _mask: b"")


def _number(type_: int, name: str, layout: struct.Struct, *, reserved: int = 0) -> Kind[int]:
    """An unsigned number, then bytes that are reserved for future use: zero, and ignored."""

    def decode(value: bytes, _mask: bytes) -> int:
        if len(value) != layout.size + reserved:
            raise ValueError
        number: int = layout.unpack_from(value)[0]
        return number

    return Kind(type_, name, decode, lambda value, _mask: layout.pack(value) + bytes(reserved))


def _decode_problem(value: bytes, _mask: bytes) -> Problem:
    hundreds, rest = value[2] & 0x07, value[3]
    if not 3 <= hundreds <= 6 or rest > 99 or len(value) > 4 + 763:
        raise ValueError
    return Problem(hundreds * 100 + rest, value[4:].decode())


def _encode_problem(problem: Problem, _mask: bytes) -> bytes:
    return bytes((0, 0, *divmod(problem.code, 100))) + problem.reason.encode()


def _decode_family_problem(value: bytes, mask: bytes) -> FamilyProblem:
    return FamilyProblem(value[0], *_decode_problem(value, mask))


def _encode_family_problem(problem: FamilyProblem, mask: bytes) -> bytes:
    rest = _encode_problem(Problem(problem.code, problem.reason), mask)
    return bytes((problem.family,)) + rest[1:]


def _decode_types(value: bytes, _mask: bytes) -> tuple[int, ...]:
    if len(value) % 2:
        raise ValueError
    return struct.unpack(f"!{len(value) // 2}H", value)


def _encode_types(types: tuple[int, ...], _mask: bytes) -> bytes:
    return struct.pack(f"!{len(types)}H", *types)


_U8 = struct.Struct("!B")

# RFC 8489, section 14
MAPPED_ADDRESS = _address(0x0001, "MAPPED-ADDRESS", masked=False)
USERNAME = _text(0x0006, "USERNAME", most=508)
ERROR_CODE = Kind(0x0009, "ERROR-CODE", _decode_problem, _encode_problem)
UNKNOWN_ATTRIBUTES = Kind(0x000A, "UNKNOWN-ATTRIBUTES", _decode_types, _encode_types)
REALM = _text(0x0014, "REALM")
NONCE = _text(0x0015, "NONCE")
XOR_MAPPED_ADDRESS = _address(0x0020, "XOR-MAPPED-ADDRESS")
SOFTWARE = _text(0x8022, "SOFTWARE")
ALTERNATE_SERVER = _address(0x8023, "ALTERNATE-SERVER", masked=False)

# RFC 8656, section 18
CHANNEL_NUMBER = _number(0x000C, "CHANNEL-NUMBER", _U16, reserved=2)
LIFETIME = _number(0x000D, "LIFETIME", _U32)
XOR_PEER_ADDRESS = _address(0x0012, "XOR-PEER-ADDRESS")
DATA = _bytes(0x0013, "DATA")
XOR_RELAYED_ADDRESS = _address(0x0016, "XOR-RELAYED-ADDRESS")
REQUESTED_ADDRESS_FAMILY = _number(0x0017, "REQUESTED-ADDRESS-FAMILY", _U8, reserved=3)
EVEN_PORT = _number(0x0018, "EVEN-PORT", _U8)
REQUESTED_TRANSPORT = _number(0x0019, "REQUESTED-TRANSPORT", _U8, reserved=3)
DONT_FRAGMENT = _flag(0x001A, "DONT-FRAGMENT")
RESERVATION_TOKEN = _bytes(0x0022, "RESERVATION-TOKEN", exactly=8)
ADDITIONAL_ADDRESS_FAMILY = _number(0x8000, "ADDITIONAL-ADDRESS-FAMILY", _U8, reserved=3)
ADDRESS_ERROR_CODE = Kind(
    0x8001, "ADDRESS-ERROR-CODE", _decode_family_problem, _encode_family_problem
)

# RFC 8445, section 16.1
PRIORITY = _number(0x0024, "PRIORITY", _U32)
USE_CANDIDATE = _flag(0x0025, "USE-CANDIDATE")
ICE_CONTROLLED = _number(0x8029, "ICE-CONTROLLED", _U64)
ICE_CONTROLLING = _number(0x802A, "ICE-CONTROLLING", _U64)

_KINDS: dict[int, Kind[Any]] = {
    value.type: value for value in list(globals().values()) if isinstance(value, Kind)
}
