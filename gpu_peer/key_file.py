"""Files that only this user may read, such as a private key, written whole or not at all."""

import errno
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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
            # Of two processes that make it, the second takes what the first made.
            with suppress(FileExistsError), written_whole(path, replace=False) as file:
                file.write(make())
            return path.read_bytes()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise KeyUnreadable(f"The key {path} cannot be read or written: {why}.") from None


@contextmanager
def written_whole(path: Path, *, replace: bool = True) -> Iterator[BinaryIO]:
    """Write beside and then rename: a crash leaves the old file or the new, never half of one.

    Raises:
        FileExistsError: the file is there, and `replace` is false.
        OSError: the system refused.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if replace:
            beside.replace(path)
        else:
            _take_free_name(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _take_free_name(beside: Path, path: Path) -> None:
    try:
        path.hardlink_to(beside)  # the one way that never replaces a file
    except FileExistsError:
        raise
    except OSError:  # no hard links, as on a memory stick
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        beside.replace(path)
