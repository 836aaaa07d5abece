"""A running relay on loopback, with a certificate of a CA made for the tests."""

import datetime
import ipaddress
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from protocol.roads import turn_password, turn_username
from tests.turn.caller import SECRET, free_port
from turn.app import Server
from turn.config import Settings
from vds import relay_secret

NAME = "relay.test"


@dataclass(frozen=True)
class Certificates:
    """Files in PEM: the CA's certificate, and the server's certificate and key."""

    authority: Path
    certificate: Path
    key: Path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests of Hearth")])
    now = datetime.datetime.now(datetime.UTC)

    def builder(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )

    constraints = x509.BasicConstraints(ca=True, path_length=0)
    authority = (
        builder(name, authority_key.public_key())
        .add_extension(constraints, critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), key.public_key())
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    made = Certificates(folder / "authority.pem", folder / "certificate.pem", folder / "key.pem")
    pem = serialization.Encoding.PEM
    made.authority.write_bytes(authority.public_bytes(pem))
    made.certificate.write_bytes(certificate.public_bytes(pem))
    made.key.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made


@dataclass(frozen=True)
class Running:
    server: Server
    settings: Settings


def credentials(user: str = "anna") -> tuple[str, str]:
    """Give what signaling would: a username for ten minutes, and its password."""
    username = turn_username(user, int(time.time()) + 600)
    return username, turn_password(SECRET, username)


@pytest.fixture
async def running(tmp_path: Path, certificates: Certificates) -> AsyncIterator[Running]:
    file = tmp_path / "secret"
    file.write_text(relay_secret.in_text(SECRET))
    settings = Settings(
        _env_file=None,
        data=tmp_path,
        turn_name="127.0.0.1",
        turn_host="127.0.0.1,::1",
        turn_addresses="127.0.0.1,::1",
        turn_port=free_port(),
        turn_tls_port=free_port(),
        turn_certificate=certificates.certificate,
        turn_key=certificates.key,
        turn_secret_file=file,
    )
    server = Server(settings)
    await server.start()
    yield Running(server, settings)
    await server.stop()
