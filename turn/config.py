"""The settings of the relay: one object, read once when it starts."""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_data_path
from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from turn.errors import BadSetting
from turn.limits import Limits, StreamLimits

ENV_FILE = ".env.universal"


def _words(text: str) -> list[str]:
    return [word for word in (part.strip() for part in text.split(",")) if word]


def _check_addresses(text: str) -> str:
    try:
        return ",".join(str(ipaddress.ip_address(word)) for word in _words(text))
    except ValueError:
        raise ValueError("give IP addresses, with commas") from None


def _check_relayed(text: str) -> str:
    versions = [ipaddress.ip_address(word).version for word in _words(_check_addresses(text))]
    if len(set(versions)) != len(versions):
        raise ValueError("give at most one IPv4 and one IPv6 address")
    return _check_addresses(text)


Port = Annotated[int, Field(ge=1, le=65535)]
Positive = Annotated[int, Field(gt=0)]


class Settings(BaseSettings):
    """Every setting of this part, from the environment and `.env.universal`, validated."""

    model_config = SettingsConfigDict(
        env_prefix="HEARTH_",
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    data: Path = Field(default_factory=lambda: user_data_path("hearth", appauthor=False))
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    turn_name: str = ""
    turn_host: Annotated[str, AfterValidator(_check_addresses)] = ""
    turn_port: Port = 3478
    turn_tls_port: Port = 5349
    turn_certificate: Path | None = None
    turn_key: Path | None = None
    turn_addresses: Annotated[str, AfterValidator(_check_relayed)] = ""
    turn_secret_file: Path | None = None
    metrics_host: str = "127.0.0.1"
    turn_metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0

    limit_turn_allocations_per_user: Positive = 100
    limit_turn_allocations: Positive = 2000
    limit_turn_kbit_per_user: Positive = 20_000
    limit_turn_kbit: Positive = 200_000
    limit_turn_answers_per_address: Positive = 100
    limit_turn_connections: Positive = 2000
    limit_turn_connections_per_address: Positive = 100

    @model_validator(mode="after")
    def _check_pair(self) -> "Settings":
        if (self.turn_certificate is None) != (self.turn_key is None):
            raise ValueError("give both HEARTH_TURN_CERTIFICATE and HEARTH_TURN_KEY, or neither")
        return self

    @property
    def secret_file(self) -> Path:
        """Where the secret lies that signaling makes credentials with."""
        return self.turn_secret_file or self.data / "turn" / "secret"

    @property
    def hosts(self) -> list[str]:
        """The addresses to listen on; empty: all of this machine."""
        return _words(self.turn_host)

    @property
    def addresses(self) -> list[str]:
        """The relayed addresses; empty: those of the name."""
        return _words(self.turn_addresses)

    @property
    def limits(self) -> Limits:
        """What is given away at most."""
        return Limits(
            allocations_per_user=self.limit_turn_allocations_per_user,
            allocations=self.limit_turn_allocations,
            bytes_per_s_and_user=self.limit_turn_kbit_per_user * 125,
            bytes_per_s=self.limit_turn_kbit * 125,
            answers_per_s_and_address=self.limit_turn_answers_per_address,
        )

    @property
    def stream_limits(self) -> StreamLimits:
        """How many connections there may be."""
        return StreamLimits(
            connections=self.limit_turn_connections,
            per_address=self.limit_turn_connections_per_address,
            allocate_within_s=10.0,
        )


def load() -> Settings:
    """Read the settings.

    Raises:
        BadSetting: a value cannot be; the sentence names the variable.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        reason = first["msg"].removeprefix("Value error, ")
        if not first["loc"]:
            raise BadSetting(f"The relay's settings cannot be used: {reason}.") from None
        name = "HEARTH_" + "_".join(str(part) for part in first["loc"]).upper()
        raise BadSetting(f"The setting {name} cannot be used: {reason}.") from None
    if not settings.turn_name:
        raise BadSetting(
            "There is no relay without a name. Set HEARTH_TURN_NAME to this machine's host name or "
            "address as clients see it."
        )
    return settings
