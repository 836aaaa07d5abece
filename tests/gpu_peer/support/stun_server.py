"""A STUN server on loopback that also hands out TURN allocations, which lead nowhere."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from protocol import stun

USERNAME, PASSWORD = "1:somebody", "secret"
KEY = stun.long_term_key(USERNAME, "hearth", PASSWORD)


class StunServer(asyncio.DatagramProtocol):
    """Answers until it is told to be silent."""

    def __init__(self) -> None:
        self.silent = False
        self.asked: list[tuple[int, stun.Address]] = []
        """Method and source of each request."""

        self.streams: list[asyncio.StreamWriter] = []
        self.port = 0
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, source: stun.Address) -> None:
        if (answer := self.answer(data, source)) is not None:
            self._transport.sendto(answer, source)

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.streams.append(writer)
        try:
            while True:
                header = await reader.readexactly(20)
                body = await reader.readexactly(int.from_bytes(header[2:4], "big"))
                answer = self.answer(header + body, writer.get_extra_info("peername")[:2])
                if answer is not None:
                    writer.write(answer)
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    def answer(self, data: bytes, source: stun.Address) -> bytes | None:
        request = stun.parse(data)
        self.asked.append((request.method, source))
        if self.silent:
            return None
        method, transaction = request.method, request.transaction_id
        mapped = stun.XOR_MAPPED_ADDRESS.of(source)
        if method == stun.Method.BINDING:
            return stun.build(method, stun.Class.SUCCESS, transaction, [mapped])
        if not request.integrity_ok(KEY):
            problem = stun.ERROR_CODE.of(stun.Problem(401, "Unauthenticated"))
            again = [problem, stun.REALM.of("hearth"), stun.NONCE.of("nonce")]
            return stun.build(method, stun.Class.ERROR, transaction, again)
        relayed = stun.XOR_RELAYED_ADDRESS.of(("192.0.2.77", 50_000))
        told = [stun.LIFETIME.of(request.get(stun.LIFETIME) or 0), mapped, relayed]
        return stun.build(method, stun.Class.SUCCESS, transaction, told, key=KEY)


@asynccontextmanager
async def a_stun_server(encrypted: ssl.SSLContext | None = None) -> AsyncIterator[StunServer]:
    """Listen by UDP and by TCP, or TLS, on one port of 127.0.0.1."""
    transport, server, streams = await _on_one_port(encrypted)
    try:
        yield server
    finally:
        transport.close()
        streams.close()
        for stream in server.streams:
            stream.transport.abort()
        await streams.wait_closed()


async def _on_one_port(
    encrypted: ssl.SSLContext | None,
) -> tuple[asyncio.DatagramTransport, StunServer, asyncio.Server]:
    loop, here = asyncio.get_running_loop(), "127.0.0.1"
    tries = 20
    while True:
        transport, server = await loop.create_datagram_endpoint(StunServer, local_addr=(here, 0))
        try:
            streams = await asyncio.start_server(server.stream, here, server.port, ssl=encrypted)
        except OSError:  # what is free for UDP may be another's for TCP
            transport.close()
            if not (tries := tries - 1):
                raise
        else:
            return transport, server, streams


def a_certificate(folder: Path) -> Path:
    """Make a certificate for localhost and its key, one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    local = ipaddress.ip_address("127.0.0.1")
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(local)])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "tls.pem"
    path.write_bytes(
        certificate.public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return path
