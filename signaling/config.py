"""The settings of the VDS: one object, read once when it starts."""

import base64
import binascii
import hashlib
import ipaddress
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from platformdirs import user_data_path
from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from signaling.errors import BadSetting

ENV_FILE = ".env.universal"


def _check_origin(origin: str) -> str:
    parts = urlsplit(origin)
    if origin and (parts.scheme not in ("http", "https") or not parts.netloc or parts.path):
        raise ValueError("give scheme and host only, like https://hearth.example")
    return origin.lower()


_LOOPBACK = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")


def _check_loopback(address: str) -> str:
    if address and not _LOOPBACK.fullmatch(address):
        raise ValueError("give http, a name of this machine and a port: http://localhost:8081")
    return address


_NAME = re.compile(r"[A-Za-z0-9.-]{1,253}")


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        try:
            ipaddress.IPv6Address(name or "::")
        except ValueError:
            raise ValueError("give a host's name or address, with no port") from None
    return name


def home_id(raw_key: bytes) -> str:
    """Give the id of the home with this raw 32-byte Ed25519 public key: 32 hex digits."""
    return hashlib.sha256(raw_key).hexdigest()[:32]


def _read_home_keys(text: str) -> dict[str, Ed25519PublicKey]:
    keys = {}
    for word in filter(None, (part.strip() for part in text.split(","))):
        try:
            raw = base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
            keys[home_id(raw)] = Ed25519PublicKey.from_public_bytes(raw)
        except (binascii.Error, ValueError):
            raise ValueError("give raw Ed25519 public keys in base64url, with commas") from None
    return keys


def _check_home_keys(text: str) -> str:
    _read_home_keys(text)
    return text


def _read_networks(text: str) -> "tuple[Network, ...]":
    try:
        words = filter(None, (part.strip() for part in text.split(",")))
        return tuple(ipaddress.ip_network(word) for word in words)
    except ValueError:
        raise ValueError("give addresses or networks, like 10.0.0.0/8, with commas") from None


def _check_networks(text: str) -> str:
    _read_networks(text)
    return text


Network = ipaddress.IPv4Network | ipaddress.IPv6Network
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
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    origin: Annotated[str, AfterValidator(_check_origin)] = ""
    pwa: Path | None = None
    local_home: Annotated[str, AfterValidator(_check_loopback)] = ""
    home_keys: Annotated[str, AfterValidator(_check_home_keys)] = ""
    trusted_proxies: Annotated[str, AfterValidator(_check_networks)] = ""
    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    turn_name: Annotated[str, AfterValidator(_check_name)] = ""
    turn_port: Annotated[int, Field(ge=1, le=65535)] = 3478
    turn_tls_port: Annotated[int, Field(ge=1, le=65535)] = 5349
    turn_certificate: Path | None = None
    turn_secret_file: Path | None = None

    limit_login_failures_per_account: Positive = 10
    limit_login_failures_per_address: Positive = 30
    limit_login_window_s: Positive = 300
    limit_registrations_per_hour: Positive = 10
    limit_requests_per_session: Positive = 60
    limit_requests_per_address: Positive = 600
    limit_sockets_per_session: Positive = 10
    limit_sockets_per_account: Positive = 20
    limit_sockets_per_address: Positive = 200
    limit_messages_per_s: Positive = 50
    limit_message_burst: Positive = 100
    limit_send_queue: Positive = 64
    limit_tracked: Positive = 10_000

    password_memory_kib: Positive = 19 * 1024
    password_passes: Positive = 2

    authenticate_within_s: float = 5.0
    heartbeat_s: float = 20.0
    poll_wait_s: float = 25.0
    poll_lost_s: float = 40.0

    @property
    def folder(self) -> Path:
        """Where this part keeps its state."""
        return self.data / "signaling"

    @property
    def canonical_origin(self) -> str:
        """The origin that tokens name as issuer and audience."""
        return self.origin or f"http://localhost:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the pages are this machine's own, so that whoever sees them is at it."""
        return _LOOPBACK.fullmatch(self.canonical_origin) is not None

    @property
    def turn_secret(self) -> Path:
        """The file of the secret that is shared with the relay."""
        return self.turn_secret_file or self.data / "turn" / "secret"

    @cached_property
    def origins(self) -> frozenset[str]:
        """The origins whose pages may connect."""
        if self.origin:
            return frozenset({self.origin})
        return frozenset({self.canonical_origin, f"http://127.0.0.1:{self.port}"})

    @property
    def https(self) -> bool:
        """Whether the page is served over TLS, by us or by a proxy in front of us."""
        return self.canonical_origin.startswith("https:")

    @cached_property
    def proxies(self) -> tuple[Network, ...]:
        """The networks whose word about a client's address is taken."""
        return _read_networks(self.trusted_proxies)

    @cached_property
    def rp_id(self) -> str | None:
        """The relying party of passkeys (WebAuthn, section 5.1.2): our host, unless an address."""
        host = urlsplit(self.canonical_origin).hostname or ""
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return host or None
        return None

    @cached_property
    def rp_origins(self) -> tuple[str, ...]:
        """The origins of that host, where passkeys are made and used."""
        return tuple(o for o in sorted(self.origins) if urlsplit(o).hostname == self.rp_id)

    @cached_property
    def homes(self) -> dict[str, Ed25519PublicKey]:
        """The homes that are admitted, by id."""
        return _read_home_keys(self.home_keys)


def load() -> Settings:
    """Read the settings.

    Raises:
        BadSetting: a value cannot be; the sentence names the variable.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = "HEARTH_" + "_".join(str(part) for part in first["loc"]).upper()
        raise BadSetting(f"The setting {name} cannot be used: {first['msg']}.") from None
