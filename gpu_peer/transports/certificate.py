"""The PC's DTLS certificate: ECDSA P-256, self-signed, made once and kept.

aiortc would make one of 30 days for each connection. Devices pin this one, so it has to outlive
them all.
"""

import datetime
from pathlib import Path

from aiortc import RTCCertificate
from aiortc.rtcdtlstransport import SRTPProtectionProfile
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from OpenSSL import SSL

from gpu_peer.errors import KeyUnreadable
from gpu_peer.key_file import read_or_make

YEARS = 50

SUITES = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305"
)
"""Authenticated encryption with forward secrecy (RFC 9325, section 4.2); every browser has them."""


class StrictCertificate(RTCCertificate):
    """Agrees on nothing but `SUITES`; aiortc's own list ends with AES-CBC and SHA-1."""

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        context = super()._create_ssl_context(srtp_profiles)
        context.set_cipher_list(SUITES)
        return context


def load_certificate(folder: Path) -> RTCCertificate:
    """Give the certificate kept in `folder`, and make it when there is none.

    Raises:
        KeyUnreadable: the file is damaged, or the system refused.
    """
    path = folder / "dtls.pem"
    pem = read_or_make(path, _new_certificate)
    try:
        key = load_pem_private_key(pem, password=None)
        certificate = x509.load_pem_x509_certificate(pem)
        fits = key.public_key() == certificate.public_key()
    except ValueError:
        key, fits = None, False
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not fits:
        raise KeyUnreadable(f"The certificate {path} is damaged. Put it back from a backup.")
    return StrictCertificate(key=key, cert=certificate)


def fingerprint_of(certificate: RTCCertificate) -> bytes:
    """Give the SHA-256 of a certificate, 32 bytes: its fingerprint (RFC 8122, section 5)."""
    return bytes(certificate._cert.fingerprint(hashes.SHA256()))


def _new_certificate() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hearth")])
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=365 * YEARS))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)
