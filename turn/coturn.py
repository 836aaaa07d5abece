"""A hardened configuration of coturn, for who would rather run that, from the relay's settings."""

from importlib import resources
from string import Template

from turn import secret
from turn.config import Settings
from turn.credentials import REALM
from vds import relay_secret


def render(settings: Settings) -> str:
    """Fill the template in. What is printed holds the secret."""
    addresses = settings.addresses
    values = {
        "name": settings.turn_name,
        "realm": REALM,
        "secret": relay_secret.in_text(secret.load(settings.secret_file)),
        "port": settings.turn_port,
        "tls_port": settings.turn_tls_port,
        "listening": _lines("listening-ip", settings.hosts),
        "relayed": _lines("relay-ip", settings.hosts),
        "external": _lines("external-ip", addresses if settings.hosts != addresses else []),
        "allowed": _lines("allowed-peer-ip", addresses),
        "tls": _tls(settings),
        "per_user": settings.limit_turn_allocations_per_user,
        "total": settings.limit_turn_allocations,
        "bytes_per_user": settings.limit_turn_kbit_per_user * 125,
        "bytes": settings.limit_turn_kbit * 125,
    }
    template = resources.files("turn").joinpath("coturn.conf.template").read_text()
    return Template(template).substitute(values)


def _lines(name: str, values: list[str]) -> str:
    return "\n".join(f"{name}={value}" for value in values) or f"# {name}: not given"


def _tls(settings: Settings) -> str:
    if settings.turn_certificate is None:
        return "no-tls\nno-dtls"
    return f"cert={settings.turn_certificate}\npkey={settings.turn_key}\nno-dtls"
