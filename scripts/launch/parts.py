"""The processes of one home: the signaling server, the PC's peer and the relay."""

import contextlib
import os
import socket
import subprocess
from pathlib import Path

from launch.errors import LaunchError
from launch.plan import PWA, PYTHON
from launch.settings import ROOT, Settings, child_environment
from launch.supervisor import Part

LOOPBACK = "127.0.0.1"
TRIES = 10
"""A port that is free for one kind of socket may be taken for another."""


def home(settings: Settings) -> list[Part]:
    """All parts on this machine; signaling admits this PC's key and no other.

    Where a VDS elsewhere knows this home, the signaling server here is for the browsers of this
    machine, and the home connects to both.
    """
    logs = settings.data / "logs"
    local_port = free_port(settings.local_port)
    relay = relay_environment(settings)
    environment = child_environment(
        settings,
        {
            "HEARTH_PWA": str(app_folder(settings)),
            "HEARTH_HOME_KEYS": home_key(settings),
            "HEARTH_LOCAL_HOME": f"http://localhost:{local_port}",
            "HEARTH_LOCAL_PORT": str(local_port),
            "HEARTH_MODEL": settings.model,
            **relay,
        },
    )
    here = there = environment
    if settings.signaling:
        here = {**environment, "HEARTH_HOST": "127.0.0.1", "HEARTH_ORIGIN": settings.url}
        there = {
            **environment,
            "HEARTH_ORIGIN": settings.origin or settings.signaling,
            "HEARTH_LOCAL_SIGNALING": settings.url,
        }
    python = [str(PYTHON), "-m"]
    parts = [
        Part("signaling", [*python, "signaling"], here, ROOT, logs / "signaling.log"),
        Part("gpu_peer", [*python, "gpu_peer"], there, ROOT, logs / "gpu_peer.log"),
    ]
    if relay:
        turn = [*python, "turn"]
        parts.append(Part("turn", turn, environment, ROOT, logs / "turn.log", is_needed=False))
    return parts


def relay_environment(settings: Settings) -> dict[str, str]:
    """Say where the relay is; nothing, where there is none.

    For the browsers of this machine it is on loopback. For others it needs a name, which somebody
    has to give.
    """
    if settings.turn_name and not settings.signaling:
        return {"HEARTH_TURN_NAME": settings.turn_name, "HEARTH_TURN_PORT": str(settings.turn_port)}
    if not settings.is_here:
        return {}
    port = free_port(settings.turn_port, socket.SOCK_STREAM, socket.SOCK_DGRAM)
    return {
        "HEARTH_TURN_NAME": LOOPBACK,
        "HEARTH_TURN_HOST": LOOPBACK,
        "HEARTH_TURN_PORT": str(port),
    }


def free_port(wanted: int, *kinds: socket.SocketKind) -> int:
    """Give the port, or where that is taken another one that is free on 127.0.0.1 for all kinds."""
    for port in (wanted, *[0] * TRIES):
        with contextlib.suppress(OSError), contextlib.ExitStack() as probes:
            for kind in kinds or (socket.SOCK_STREAM,):
                probe = probes.enter_context(socket.socket(socket.AF_INET, kind))
                if kind == socket.SOCK_STREAM and os.name == "posix":
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((LOOPBACK, port))
                if kind == socket.SOCK_STREAM:
                    probe.listen()
                port = int(probe.getsockname()[1])
            return port
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
