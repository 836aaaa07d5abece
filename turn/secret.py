"""The secret that the relay and signaling share: who has it makes credentials."""

import base64
import binascii
import contextlib
import os
import secrets
from pathlib import Path

from turn.errors import SecretUnusable

_BYTES = 32


def load(path: Path) -> bytes:
    """Read the secret, base64url in a file that only its owner reads; make it where there is none.

    Whichever of the two parts starts first makes it: written aside and linked into place, so nobody
    ever reads half of one, and of two that start at once the first wins.

    Raises:
        SecretUnusable: the file cannot be made or read, or holds no 32 bytes.
    """
    try:
        if not path.exists():
            _make(path)
        text = path.read_bytes().strip()
    except OSError as error:
        raise SecretUnusable(
            f"The relay's secret cannot be made or read at {path} ({error.strerror}). "
            "Set HEARTH_TURN_SECRET_FILE to a file that this user may write."
        ) from None
    try:
        secret = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != _BYTES:
        raise SecretUnusable(
            f"The relay's secret in {path} is damaged. Delete the file and start signaling and "
            "the relay again."
        )
    return secret


def in_text(secret: bytes) -> str:
    """Give the secret as it stands in its file."""
    return base64.urlsafe_b64encode(secret).rstrip(b"=").decode()


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(in_text(secrets.token_bytes(_BYTES)).encode())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
