"""The data folder's models: converted once, checked at every start, redone when damaged."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from gpu_peer.models.convert import convert_model
from gpu_peer.models.errors import (
    ConversionInterrupted,
    DiskFull,
    FolderDamaged,
    system_errors,
)
from gpu_peer.models.export import (
    EXPORTER_VERSION,
    ExportOptions,
    Progress,
    silent,
)
from gpu_peer.models.folder import verify_folder
from gpu_peer.models.precision import DtypeName
from gpu_peer.models.sources import model_name, source_digest, source_size

LOCK_FILE = ".lock"
PARTIAL_SUFFIX = ".partial"

_LOG = logging.getLogger(__name__)


def ensure_model(
    source: Path,
    models_dir: Path,
    progress: Progress = silent,
    dtype: DtypeName = "f32",
) -> Path:
    """Return the folder of the model `source` in `models_dir`, converting it where needed.

    `source` is a GGUF file or a checkpoint folder. The result is named after the model, the first
    12 hexadecimal digits of the source's SHA-256, the exporter's version and, where it is not f32,
    the `dtype` of activations and cache. An existing one is checked by digest; a damaged one is
    redone. A lock lets one process convert while others wait; conversion happens in a folder
    beside, which gets its name when it is complete.

    Raises:
        ModelError: As `export_model`; `ConversionInterrupted` when the user stopped it. Whatever
            is raised, `progress`'s own errors included, nothing half-made is left behind.
    """
    digest = source_digest(source)
    suffix = "" if dtype == "f32" else f"-{dtype}"
    folder = models_dir / f"{model_name(source)}-{digest[:12]}-v{EXPORTER_VERSION}{suffix}"
    with system_errors(models_dir):
        models_dir.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(models_dir, progress):
            _remove_partials(models_dir)
            if not _is_sound(folder):
                replace_folder(source, folder, ExportOptions(dtype=dtype), progress)
    return folder


def replace_folder(
    source: Path, folder: Path, options: ExportOptions, progress: Progress = silent
) -> None:
    """Convert `source` beside `folder`, then put it in the place of whatever is there.

    Raises:
        ModelError: As `ensure_model`; then what was at `folder` is still there.
    """
    partial = folder.with_name(folder.name + PARTIAL_SUFFIX)
    needed = 2 * source_size(source)
    if shutil.disk_usage(folder.parent).free < needed:
        raise DiskFull(folder.parent, needed)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        convert_model(source, partial, options, progress)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except DiskFull as error:
        raise DiskFull(folder.parent, needed) from error
    except (KeyboardInterrupt, SystemExit) as error:
        raise ConversionInterrupted(source) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _one_at_a_time(models_dir: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock of `models_dir`; whoever waits for it says so."""
    lock = FileLock(models_dir / LOCK_FILE)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        progress("waiting for another process", 0, 1)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _is_sound(folder: Path) -> bool:
    if not folder.exists():
        return False
    try:
        verify_folder(folder)
    except FolderDamaged as error:
        _LOG.warning("%s It is converted again now.", error)
        return False
    return True


def _remove_partials(models_dir: Path) -> None:
    """Remove what a killed conversion left; nobody else is converting while we hold the lock."""
    for partial in models_dir.glob(f"*{PARTIAL_SUFFIX}"):
        shutil.rmtree(partial, ignore_errors=True)
