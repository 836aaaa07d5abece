"""Files that only this user may read, such as a private key, written whole or not at all."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from gpu_peer.errors import KeyUnreadable


def read_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    """Give the file's bytes; when there is none, make it with mode 0600 first.

    Raises:
        KeyUnreadable: the system refused; the sentence names the file and its reason.
    """
    try:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with written_whole(path) as file:
                file.write(make())
            return path.read_bytes()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise KeyUnreadable(f"The key {path} cannot be read or written: {why}.") from None


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Write beside and then rename: a crash leaves the old file or the new, never half of one."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
