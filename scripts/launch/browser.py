"""Debian's chromium, which the browser tests drive."""

import shutil
from collections.abc import Callable

from launch import debian
from launch.errors import LaunchError


def require(say: Callable[[str], None]) -> str:
    """Give chromium's path; installs it where that needs no password.

    Raises:
        LaunchError: it is missing and may not be installed from here.
    """
    if (path := shutil.which("chromium")) is None:
        debian.install("chromium", ("chromium", "fonts-noto-core"), say)
        path = shutil.which("chromium")
    if path is None:
        raise LaunchError("Chromium is installed, but not on the PATH. Add its folder to it.")
    return path
