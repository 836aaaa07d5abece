"""The files of keys: the one that signs tokens, and the secret shared with the relay."""

import errno
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from signaling.errors import CannotStart, DataFolderUnusable, DiskFull, KeyDamaged
from vds import relay_secret
from vds.files import write_new


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
    """Read the secret shared with the relay, or make it where there is none.

    Raises:
        KeyDamaged: the file holds something else.
        DataFolderUnusable, DiskFull: it cannot be read or written.
    """
    try:
        return relay_secret.load(path)
    except OSError as error:
        raise _start_error(error, path.parent) from None
    except relay_secret.Damaged:
        raise KeyDamaged(
            f"The relay's secret {path} is damaged. Remove it and start again: a new one is made."
        ) from None


def _create(path: Path) -> None:
    """Write beside and rename, so that a crash leaves a whole key or none."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    write_new(beside, pem)
    beside.replace(path)


def _start_error(error: OSError, folder: Path) -> CannotStart:
    if error.errno == errno.ENOSPC:
        return DiskFull(f"The disk of {folder} is full. Make room and start again.")
    return DataFolderUnusable(
        f"The folder {folder} cannot be used ({error.strerror}). "
        "Make it writable, or name another one in HEARTH_DATA."
    )
