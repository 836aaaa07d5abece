"""Ids that this PC makes: UUIDv7 (RFC 9562, section 5.7). Python has it from 3.14 on."""

import secrets
import time
import uuid


def uuid7() -> str:
    """Give a new id: 48 bits of Unix time in ms, the rest random."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))
