"""Debian packages that the tests need, installed where that needs no password."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence

from launch.errors import LaunchError

INSTALL = ("apt-get", "install", "--yes", "--no-install-recommends")


def install(what: str, packages: Sequence[str], say: Callable[[str], None]) -> None:
    """Install packages.

    Args:
        what: What they are, for a person.
        packages: Their names.
        say: Shows a line of progress.

    Raises:
        LaunchError: they may not be installed from here, or could not be.
    """
    command = (*INSTALL, *packages)
    prefix = _privilege()
    if prefix is None:
        raise LaunchError(f"Missing: {what}. Install it: sudo {' '.join(command)}")
    say(f"Installing {what} …")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (("apt-get", "update"), command):
        done = subprocess.run([*prefix, *step], capture_output=True, env=environment, check=False)
    if done.returncode != 0:
        raise LaunchError(f"Could not be installed: {what}. Try: sudo {' '.join(command)}")


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
