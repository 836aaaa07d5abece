"""Finds out what kind of model a path is, and opens it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from gpu_peer.models.checkpoint_source import CheckpointSource, checkpoint_files, is_checkpoint
from gpu_peer.models.errors import SourceUnsupported, system_errors
from gpu_peer.models.folder import sha256_of
from gpu_peer.models.gguf_source import GgufSource
from gpu_peer.models.source import Source


def open_source(path: Path) -> Source:
    """Open the GGUF file or the checkpoint folder `path`.

    Raises:
        SourceDamaged: Its files contradict themselves.
        SourceUnsupported: It is something else, or holds what is not converted.
        StorageFailed: The system refused to read.
    """
    return CheckpointSource(path) if path.is_dir() else GgufSource(path)


def source_files(path: Path) -> list[Path]:
    """Return every file that is read when the model at `path` is converted.

    Raises:
        SourceUnsupported: It is a folder of something else.
    """
    if not path.is_dir():
        return [path]
    if not is_checkpoint(path):
        raise SourceUnsupported(path, "the folder has neither hearth.json nor config.json")
    return checkpoint_files(path)


def source_size(path: Path) -> int:
    """Return the bytes of all files of the model at `path`."""
    with system_errors(path):
        return sum(file.stat().st_size for file in source_files(path))


def source_digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of the list of a folder's files with theirs."""
    if not path.is_dir():
        return sha256_of(path)
    lines = (f"{sha256_of(file)}  {file.name}\n" for file in source_files(path))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def model_name(path: Path) -> str:
    """Return what the model at `path` is called: its name less the quantisation."""
    path = path.absolute()
    name = path.name if path.is_dir() else path.stem
    if path.parent.name == "snapshots":  # the cache of Hugging Face names folders by their commit
        name = path.parent.parent.name.rpartition("--")[2]
    name = re.sub(r"[.-](I?Q\d\w*|F16|F32|BF16)$", "", name, flags=re.IGNORECASE)
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-") or "model"
