"""The secret that the relay and signaling share: who has it makes credentials for the relay."""

import base64
import binascii
import contextlib
import os
import secrets
from pathlib import Path

from vds.files import write_new

_BYTES = 32


class Damaged(Exception):
    """The file holds no secret."""


def load(path: Path) -> bytes:
    """Read the secret, base64url in a file that only its owner reads; make it where there is none.

    Whichever of the two servers starts first makes it: written beside and linked into place, so
    nobody ever reads half of one, and of two that start at once the first wins.

    Raises:
        Damaged: the file holds no 32 bytes.
        OSError: it cannot be made or read.
    """
    if not path.exists():
        _make(path)
    text = path.read_bytes().strip()
    try:
        secret = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise Damaged from None
    if len(secret) != _BYTES:
        raise Damaged
    return secret


def in_text(secret: bytes) -> str:
    """Give the secret as it stands in its file."""
    return base64.urlsafe_b64encode(secret).rstrip(b"=").decode()


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        write_new(beside, in_text(secrets.token_bytes(_BYTES)).encode())
        with contextlib.suppress(FileExistsError):
            os.link(beside, path)
    finally:
        beside.unlink(missing_ok=True)
