"""The settings of this part: one frozen object, read once when the process starts."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gpu_peer.devices.machine import AskedDevice
from gpu_peer.errors import ConfigInvalid

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of this very machine."""


class Config(BaseSettings):
    """Every setting this part reads; each is described in `.env.universal`.

    A variable of the environment wins over the file, an empty value means the default.
    """

    model_config = SettingsConfigDict(
        env_prefix="HEARTH_",
        env_file=".env.universal",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    data: Path = Field(default_factory=lambda: user_data_path("hearth", appauthor=False))
    port: int = Field(default=8080, ge=1, le=65535)
    local_port: int | None = Field(default=None, ge=1, le=65535)
    lan_port: int = Field(default=41234, ge=0, le=65535)
    origin: str = ""
    signaling: str = ""
    local_signaling: str = ""
    model: Path | None = None
    device: AskedDevice = "auto"
    threads: int = Field(default=0, ge=0, le=1024)
    context: int = Field(default=4096, ge=64)
    max_tokens: int = Field(default=1024, ge=1)
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("signaling")
    @classmethod
    def _is_encrypted(cls, address: str) -> str:
        """Say who this home is over TLS only, except to this very machine."""
        parts = urlsplit(address)
        if address and parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise ValueError("an address of another machine begins with https://")
        return address

    @field_validator("local_signaling")
    @classmethod
    def _is_here(cls, address: str) -> str:
        parts = urlsplit(address)
        if address and (parts.scheme != "http" or parts.hostname not in LOOPBACK):
            raise ValueError("it is an address of this machine, like http://localhost:8080")
        return address

    @property
    def folder(self) -> Path:
        """The folder of this part's own state."""
        return self.data / "gpu_peer"

    @property
    def wanted_local_port(self) -> int:
        """The port of 127.0.0.1 for programs and browsers of this machine; 0 is any."""
        return self.local_port or (self.port + 1) % 65536

    @property
    def audience(self) -> str:
        """The origin of the VDS, which a home's assertion is meant for."""
        return self.origin.rstrip("/") or f"http://localhost:{self.port}"

    @property
    def origin_here(self) -> str:
        """The origin at which browsers of this machine have the app."""
        return self.local_signaling.rstrip("/") or self.audience

    @property
    def signaling_url(self) -> str:
        """The address of the signaling server, without a path."""
        return self.signaling.rstrip("/") or f"http://localhost:{self.port}"

    @property
    def signaling_servers(self) -> dict[str, str]:
        """All signaling servers that know this home: address and origin, both without a path."""
        local = self.local_signaling.rstrip("/")
        return ({local: local} if local else {}) | {self.signaling_url: self.audience}


def read_config() -> Config:
    """Read the settings.

    Raises:
        ConfigInvalid: a setting has an impossible value; the sentence names it.
    """
    try:
        return Config()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        raise ConfigInvalid(
            f"The setting HEARTH_{name} is wrong: {first['msg']}. Correct it and start again."
        ) from None
