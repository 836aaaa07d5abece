"""The settings that the launcher itself needs, read once."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from launch.errors import LaunchError

ROOT = Path(__file__).resolve().parents[2]
SETTINGS_FILE = ROOT / ".env.universal"


@dataclass(frozen=True)
class Settings:
    """Where Hearth keeps its state and where it is served.

    Attributes:
        local_port: Of the home's own server for this machine; 0 is any.
        origin: Of the app's pages, where it is set; else they are this machine's own.
        signaling: A VDS elsewhere that knows this home too; empty: there is none.
        turn_name: What clients are told of the relay, where it is set.
    """

    data: Path
    host: str
    port: int
    model: str
    local_port: int
    origin: str = ""
    signaling: str = ""
    turn_name: str = ""
    turn_port: int = 3478

    @property
    def url(self) -> str:
        """What a person opens."""
        return f"http://localhost:{self.port}"

    @property
    def is_here(self) -> bool:
        """Whether the signaling server that this machine runs is for its own browsers only."""
        return bool(self.signaling) or is_loopback(self.origin or self.url)


def read(environment: Mapping[str, str], file: Path = SETTINGS_FILE) -> Settings:
    """Join the environment and the settings file; the environment wins.

    Raises:
        LaunchError: a value cannot be used; the sentence names the setting.
    """
    values = {**_parse(file), **{k: v for k, v in environment.items() if v}}
    port = _port(values, "HEARTH_PORT") or 8080
    data = values.get("HEARTH_DATA")
    signaling = (values.get("HEARTH_SIGNALING") or "").rstrip("/")
    return Settings(
        data=Path(data).expanduser().absolute() if data else default_data(environment),
        host=values.get("HEARTH_HOST") or "127.0.0.1",
        port=port,
        model=values.get("HEARTH_MODEL") or "",
        local_port=_port(values, "HEARTH_LOCAL_PORT") or (port + 1) % 65536,
        origin=(values.get("HEARTH_ORIGIN") or "").rstrip("/"),
        signaling="" if is_loopback(signaling) else signaling,
        turn_name=values.get("HEARTH_TURN_NAME") or "",
        turn_port=_port(values, "HEARTH_TURN_PORT") or 3478,
    )


def is_loopback(address: str) -> bool:
    """Whether an address is of this very machine."""
    try:
        return urlsplit(address).hostname in ("localhost", "127.0.0.1", "::1")
    except ValueError:  # left to the part that reads it, which says what is wrong
        return False


def default_data(environment: Mapping[str, str]) -> Path:
    """The platform's own folder for an application's data."""
    home = Path(environment.get("HOME") or Path.home())
    if sys.platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local") / "hearth"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "hearth"
    return Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share") / "hearth"


def _port(values: Mapping[str, str], name: str) -> int | None:
    text = values.get(name)
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise LaunchError(f"{name} is {text!r}. Set it to a number from 1 to 65535.")
    return int(text)


def _parse(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    lines = (line.strip() for line in file.read_text("utf-8").splitlines())
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


def child_environment(settings: Settings, extra: Mapping[str, str]) -> dict[str, str]:
    """What the parts are started with: this process's environment and what was decided here."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "HEARTH_DATA": str(settings.data),
        "HEARTH_HOST": settings.host,
        "HEARTH_PORT": str(settings.port),
        **extra,
    }
