"""A file that is mapped into memory: only what is looked at is read."""

from __future__ import annotations

import mmap
from pathlib import Path
from types import TracebackType
from typing import Self

from gpu_peer.models.errors import SourceDamaged, StorageFailed


class MappedFile:
    """An open file. A context manager.

    Raises:
        SourceDamaged: It is empty.
        StorageFailed: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        """Map `path`, which is named in errors."""
        self.path = path
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            raise SourceDamaged(path, "the file is empty") from error
        except OSError as error:
            raise StorageFailed(path, error.strerror or str(error)) from error

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._map.close()
