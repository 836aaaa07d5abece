"""The tools that Hearth is built with, and how a person gets one that is missing."""

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from launch.errors import LaunchError


@dataclass(frozen=True)
class Tool:
    """A command that must be on the PATH, from version `least` on."""

    command: str
    title: str
    least: tuple[int, ...]
    remedy: str


# Debian 12 and Ubuntu 24.04 have an older Node.js and an older Rust than these.
NODE = Tool(
    "node",
    "Node.js",
    (20,),
    "Install version 20 or newer: sudo apt-get install nodejs, or from https://nodejs.org",
)
NPM = Tool("npm", "npm", (9,), "Install it: sudo apt-get install npm")
CARGO = Tool(
    "cargo",
    "Rust",
    (1, 92),
    "Install 1.92 or newer: sudo apt-get install rustup && rustup default stable, "
    "or from https://rustup.rs",
)
LINKER = Tool("cc", "a C linker", (), "Install it: sudo apt-get install build-essential")
BUILD_TOOLS = (NODE, NPM, CARGO, LINKER)


def require(
    tools: tuple[Tool, ...], version_of: Callable[[Tool], str | None] | None = None
) -> None:
    """Check all of the tools at once, so that a person learns of each in one go.

    Raises:
        LaunchError: a sentence for each tool that is missing or too old.
    """
    look = version_of or installed_version
    wrong = [sentence for tool in tools if (sentence := _complaint(tool, look(tool)))]
    if wrong:
        raise LaunchError("\n".join(wrong))


def installed_version(tool: Tool) -> str | None:
    """Ask the tool for its version; None when there is no such command."""
    path = shutil.which(tool.command)
    if path is None:
        return None
    answer = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    return answer.stdout


def _complaint(tool: Tool, output: str | None) -> str | None:
    if output is None:
        return f"{tool.title} is missing. {tool.remedy}"
    numbers = re.search(r"(\d+(?:\.\d+)*)", output)
    version = tuple(int(n) for n in numbers[1].split(".")) if numbers else ()
    if version < tool.least:
        found = ".".join(map(str, version)) or "an unknown version"
        return f"{tool.title} is too old ({found}). {tool.remedy}"
    return None
