"""A fresh clone in a new home folder to the ready line, then the same again.

Nothing of this checkout is used but its last commit: no virtual environment, no build, and no cache
of pip, npm or cargo. Only the tools themselves are found where they are.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIRST_BUDGET_S = 600.0
AGAIN_BUDGET_S = 60.0
STOP_BUDGET_S = 5.0


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="hearth-fresh-"))
    try:
        clone = folder / "hearth"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        environment = fresh_environment(folder / "home")
        first, first_stop = time_start(clone, environment)
        again, again_stop = time_start(clone, environment)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    stop = max(first_stop, again_stop)
    print(f"again: {again:.1f} s (budget {AGAIN_BUDGET_S:.0f} s); stop: {stop:.1f} s (5 s)")
    print(f"fresh clone to the ready line: {first:.0f} s (budget {FIRST_BUDGET_S:.0f} s)")
    good = first <= FIRST_BUDGET_S and again <= AGAIN_BUDGET_S and stop <= STOP_BUDGET_S
    return 0 if good else 1


def fresh_environment(home: Path) -> dict[str, str]:
    """An environment with nothing in the home folder but the way to the tools."""
    home.mkdir()
    old = Path.home()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HEARTH_", "VIRTUAL_ENV"))}
    return {
        **kept,
        "HOME": str(home),
        "CARGO_HOME": str(home / ".cargo"),
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(old / ".rustup")),
        "NPM_CONFIG_USERCONFIG": str(old / ".npmrc"),
        "PATH": f"{Path(sys.executable).resolve().parent}{os.pathsep}{os.environ['PATH']}",
        "HEARTH_PORT": str(free_port()),
    }


def time_start(clone: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Give the seconds to the ready line, and from SIGTERM to the end."""
    started = time.monotonic()
    process = subprocess.Popen(
        ["./scripts/run"],
        cwd=clone,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        print(f"  {time.monotonic() - started:6.1f} s  {line.rstrip()}", flush=True)
        if line.startswith("Hearth is ready: "):
            break
    else:
        raise SystemExit("scripts/run ended before Hearth was ready.")
    ready = time.monotonic() - started
    ending = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait()
    return ready, time.monotonic() - ending


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
