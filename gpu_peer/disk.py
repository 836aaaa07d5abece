"""Waiting for the disk."""

import os
from pathlib import Path


def to_disk(path: Path) -> None:
    """Wait until the file, or the folder's list of names, is on the disk.

    Raises:
        OSError: the system refused.
    """
    try:
        opened = os.open(path, os.O_RDONLY)
    except PermissionError:  # Windows opens no folders
        return
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
