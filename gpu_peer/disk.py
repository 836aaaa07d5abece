"""Waiting for the disk."""

import os
import sys
from pathlib import Path


def to_disk(path: Path) -> None:
    """Wait until the file, or the folder's list of names, is on the disk.

    Raises:
        OSError: the system refused.
    """
    if path.is_dir():
        if sys.platform == "win32":  # which opens no folders
            return
        opened = os.open(path, os.O_RDONLY)
    else:
        opened = os.open(path, os.O_RDWR)  # Windows flushes only what may be written
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
