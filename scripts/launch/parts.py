"""The processes of one home: the signaling server and the PC's peer."""

import contextlib
import socket
import subprocess
from pathlib import Path

from launch.errors import LaunchError
from launch.plan import PWA, PYTHON
from launch.settings import ROOT, Settings, child_environment
from launch.supervisor import Part


def home(settings: Settings) -> list[Part]:
    """Both parts on this machine; signaling admits this PC's key and no other."""
    logs = settings.data / "logs"
    local_port = free_port(settings.local_port)
    environment = child_environment(
        settings,
        {
            "HEARTH_PWA": str(app_folder(settings)),
            "HEARTH_HOME_KEYS": home_key(settings),
            "HEARTH_LOCAL_HOME": f"http://localhost:{local_port}",
            "HEARTH_LOCAL_PORT": str(local_port),
            "HEARTH_MODEL": settings.model,
        },
    )
    python = [str(PYTHON), "-m"]
    return [
        Part("signaling", [*python, "signaling"], environment, ROOT, logs / "signaling.log"),
        Part("gpu_peer", [*python, "gpu_peer"], environment, ROOT, logs / "gpu_peer.log"),
    ]


def free_port(wanted: int) -> int:
    """Give the port, or where that is taken another one that is free on 127.0.0.1."""
    for port in (wanted, 0):
        with (
            contextlib.suppress(OSError),
            socket.create_server(("127.0.0.1", port)) as probe,
        ):
            return int(probe.getsockname()[1])
    raise LaunchError("This machine has no free port. End some programs and start again.")


def home_key(settings: Settings) -> str:
    """Ask the PC's part for its public key; made on the first start."""
    return _ask([str(PYTHON), "-m", "gpu_peer", "identity"], settings, show=False)


def app_folder(settings: Settings, built: Path = PWA / "dist") -> Path:
    """Have a copy of the app that this installation's key has signed; the key is made at first.

    It is a copy, since several installations may share a checkout, each with a key of its own.
    """
    folder = settings.data / "app"
    words = ["sign", str(built), "--to", str(folder), "--first"]
    _ask(release_command(settings, words), settings, show=False)
    return folder


def release_command(settings: Settings, words: list[str]) -> list[str]:
    """Give the command of the release tool, which signs with this installation's key by default."""
    tool = PWA / "scripts" / "release.mjs"
    return ["node", str(tool), str(settings.data / "release-key.pem"), *words]


def model_folder(settings: Settings) -> Path:
    """Have the model converted for the device in use and checked; shows its progress."""
    return Path(_ask([str(PYTHON), "-m", "gpu_peer", "prepare"], settings, show=True))


def _ask(command: list[str], settings: Settings, *, show: bool) -> str:
    answer = subprocess.run(
        command,
        cwd=ROOT,
        env=child_environment(settings, {"HEARTH_MODEL": settings.model}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None if show else subprocess.PIPE,
        text=True,
        check=False,
    )
    lines = (answer.stdout + (answer.stderr or "")).strip().splitlines()
    if answer.returncode != 0 or not lines:
        raise LaunchError(lines[-1] if lines else "Hearth was not started.")
    return lines[-1]
