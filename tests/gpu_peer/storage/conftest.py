"""A disk that can be filled."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], capture_output=True
        ).returncode
    ):
        pytest.skip("this machine lets nobody mount a small disk here")
    yield folder
    subprocess.run(["umount", folder], check=True)
