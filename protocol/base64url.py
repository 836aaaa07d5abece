"""Bytes inside JSON: base64url without padding (RFC 4648, section 5)."""

import base64


def to_text(data: bytes) -> str:
    """Give the bytes as text."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_text(text: str) -> bytes:
    """Give the bytes of a text that the wire's patterns have let through."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
