"""Plays some seeds: the PC in this process, people and devices in a node process that it starts."""

import gc
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import structlog

from tests.sync.build import BUNDLE
from tests.sync.files import make_template
from tests.sync.serve import Server

MEMORY = Path("/dev/shm")
"""A file system in memory, where there is one: nothing here has to outlive the machine."""


def play(first: int, count: int, step: int, deeds: int, how: str) -> int:
    """Play seeds `first`, `first + step` and so on; see `main.ts`. Gives the exit status."""
    gc.disable()  # Each world is dropped at once: see `Server`.
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    orders_out, orders_in = os.pipe()
    came_out, came_in = os.pipe()
    arguments = (came_out, orders_in, first, count, step, deeds, how)
    command = ["node", str(BUNDLE), *map(str, arguments)]
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        folder = Path(name)
        make_template(folder / "template.sqlite3")
        scheduler = subprocess.Popen(command, pass_fds=(came_out, orders_in))
        os.close(orders_in)
        os.close(came_out)
        with open(orders_out, "rb") as orders, open(came_in, "wb") as came:  # noqa: PTH123
            Server(folder, folder / "template.sqlite3").serve(orders, came)
        return scheduler.wait()


if __name__ == "__main__":
    sys.exit(play(*map(int, sys.argv[1:5]), how=sys.argv[5]))
