"""ChannelData messages, and how messages follow each other on a stream (RFC 8656, section 12.4)."""

import struct

from protocol import stun
from turn.errors import BadFraming

HEADER = struct.Struct("!HH")
"""A channel number, and the length of the data without padding."""

NUMBERS = range(0x4000, 0x5000)
"""The channel numbers that may be bound (section 12)."""

_LENGTH = struct.Struct("!H")


def build(number: int, data: bytes | memoryview) -> bytes:
    """Write a message, without padding."""
    return HEADER.pack(number, len(data)) + data


def parse(message: bytes) -> tuple[int, bytes] | None:
    """Read number and data of a datagram; None where it is no ChannelData or is cut off."""
    if len(message) < HEADER.size:
        return None
    number, length = HEADER.unpack_from(message)
    end = HEADER.size + length
    if number not in NUMBERS or end > len(message):
        return None
    return number, message[HEADER.size : end]


def message_size(stream: bytes | bytearray | memoryview, at: int) -> tuple[int, int] | None:
    """Give the size of the message that begins at `at`, without and with its padding.

    On a stream ChannelData is padded to four bytes, and STUN says its length itself. None where too
    little has come to tell.

    Raises:
        BadFraming: neither kind of message begins like this.
    """
    if len(stream) - at < HEADER.size:
        return None
    number, length = HEADER.unpack_from(stream, at)
    if number in NUMBERS:
        size = HEADER.size + length
        return size, size + -size % 4
    if number >= 0x0400 or length % 4:
        raise BadFraming
    cookie = bytes(stream[at + HEADER.size : at + HEADER.size + len(stun.COOKIE)])
    if not stun.COOKIE.startswith(cookie):
        raise BadFraming
    size = stun.HEADER_LENGTH + length
    return size, size
