"""The files of keys: the one that signs tokens, and the secret shared with the relay."""

import base64
import binascii
import contextlib
import errno
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from signaling.errors import CannotStart, DataFolderUnusable, DiskFull, KeyDamaged


def make_folder(folder: Path) -> None:
    """Make the folder of this part's state, for its owner alone.

    Raises:
        DataFolderUnusable, DiskFull: it cannot be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise _start_error(error, folder) from None


def load_or_create(path: Path) -> Ed25519PrivateKey:
    """Read the signing key, or make one where there is none, readable by its owner alone.

    Raises:
        KeyDamaged: the file is not an Ed25519 key.
        DataFolderUnusable, DiskFull: it cannot be read or written.
    """
    try:
        if not path.exists():
            _create(path)
        path.chmod(0o600)
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise _start_error(error, path.parent) from None
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyDamaged(
            f"The signing key {path} is damaged. Restore it from a backup, or remove it: a new one "
            "is made, and everybody's page asks for a new token by itself."
        )
    return key


def load_or_create_secret(path: Path) -> bytes:
    """Read the secret shared with the relay: 32 bytes, in base64url without padding.

    Where there is none it is made. The relay does the same, perhaps at this moment: it is written
    beside, and linked into its place unless another one came first.

    Raises:
        KeyDamaged: the file holds something else.
        DataFolderUnusable, DiskFull: it cannot be read or written.
    """
    make_folder(path.parent)
    try:
        if not path.exists():
            beside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
            try:
                _write_new(beside, base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"="))
                with contextlib.suppress(FileExistsError):
                    os.link(beside, path)
            finally:
                beside.unlink(missing_ok=True)
        text = path.read_bytes().strip()
    except OSError as error:
        raise _start_error(error, path.parent) from None
    try:
        secret = base64.b64decode(text + b"=", altchars=b"-_", validate=True)
    except binascii.Error:
        secret = b""
    if len(secret) != 32:
        raise KeyDamaged(
            f"The relay's secret {path} is damaged. Remove it and start again: a new one is made."
        )
    return secret


def _create(path: Path) -> None:
    """Write beside and rename, so that a crash leaves a whole key or none."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    _write_new(beside, pem)
    beside.replace(path)


def _write_new(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _start_error(error: OSError, folder: Path) -> CannotStart:
    if error.errno == errno.ENOSPC:
        return DiskFull(f"The disk of {folder} is full. Make room and start again.")
    return DataFolderUnusable(
        f"The folder {folder} cannot be used ({error.strerror}). "
        "Make it writable, or name another one in HEARTH_DATA."
    )
