"""Converts a model with our exporter, and families that it does not know with another one."""

from __future__ import annotations

from pathlib import Path

from gpu_peer.models.errors import ArchitectureUnknown
from gpu_peer.models.export import ExportOptions, Progress, export_model, silent
from gpu_peer.models.mobius import export_with_mobius, is_installed


def convert_model(
    path: Path, folder: Path, options: ExportOptions, progress: Progress = silent
) -> None:
    """Convert the GGUF file or checkpoint folder `path` into the existing, empty `folder`.

    Raises:
        ArchitectureUnknown: Only the extra `convert` knows the family, and it is not installed.
        ModelError: As `export_model` or `export_with_mobius`.
    """
    try:
        export_model(path, folder, options, progress)
    except ArchitectureUnknown:
        if not is_installed():
            raise
        export_with_mobius(path, folder, options, progress)
