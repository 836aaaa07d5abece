"""Debian's chromium, which the browser tests drive."""

import os
import shutil
import subprocess
from collections.abc import Callable

from launch.errors import LaunchError

INSTALL = ("apt-get", "install", "--yes", "--no-install-recommends", "chromium", "fonts-noto-core")


def require(say: Callable[[str], None]) -> str:
    """Give chromium's path; installs it where that needs no password.

    Raises:
        LaunchError: it is missing and may not be installed from here.
    """
    if (path := shutil.which("chromium")) is not None:
        return path
    prefix = _privilege()
    if prefix is None:
        raise LaunchError(f"Chromium is missing. Install it: sudo {' '.join(INSTALL)}")
    say("Installing chromium …")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (("apt-get", "update"), INSTALL):
        done = subprocess.run(
            [*prefix, *command], capture_output=True, env=environment, check=False
        )
    path = shutil.which("chromium")
    if done.returncode != 0 or path is None:
        raise LaunchError(f"Chromium could not be installed. Try: sudo {' '.join(INSTALL)}")
    return path


def _privilege() -> list[str] | None:
    if shutil.which("apt-get") is None:
        return None
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo is None:
        return None
    allowed = subprocess.run([sudo, "-n", "true"], capture_output=True, check=False)
    return [sudo, "-n"] if allowed.returncode == 0 else None
