"""Probes against real sockets that answer, stay silent, refuse, or talk nonsense."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gpu_peer.transports import probe
from gpu_peer.transports.ice_servers import Server, Transport
from gpu_peer.transports.probe import answers
from tests.gpu_peer.support.stun_server import StunServer, a_certificate, a_stun_server

BY_EACH: list[Transport] = ["udp", "tcp", "tls"]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "UDP_S", (0.05, 0.05))
    monkeypatch.setattr(probe, "STREAM_S", 0.5)


@pytest.fixture
async def server() -> AsyncIterator[StunServer]:
    async with a_stun_server() as server:
        yield server


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_who_answers_is_there(server: StunServer, transport: Transport) -> None:
    assert await answers(Server("127.0.0.1", server.port, transport))


async def test_it_asks_from_the_address_it_is_told(server: StunServer) -> None:
    assert await answers(Server("127.0.0.1", server.port, "udp"), "127.0.0.3")
    assert server.asked[0][1][0] == "127.0.0.3"


async def test_an_address_of_another_machine_cannot_be_asked_from(server: StunServer) -> None:
    assert not await answers(Server("127.0.0.1", server.port, "udp"), "198.51.100.7")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_who_is_silent_is_not(server: StunServer, transport: Transport) -> None:
    server.silent = True
    assert not await answers(Server("127.0.0.1", server.port, transport))
    assert len(server.asked) == (2 if transport == "udp" else 1)


@pytest.mark.parametrize("transport", BY_EACH)
async def test_a_port_that_nobody_has_refuses(transport: Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]
    assert not await answers(Server("localhost", port, transport))


@pytest.mark.parametrize("transport", BY_EACH)
async def test_a_name_that_is_none_is_not_there(transport: Transport) -> None:
    assert not await answers(Server("x" * 70 + ".example", 3478, transport))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda request: b"",
        lambda request: b"HTTP/1.1 400 Bad Request\r\n\r\n",
        lambda request: request,
        lambda request: b"\x01\x01" + request[2:8] + bytes(12),
        lambda request: b"\x01\x11" + request[2:],
    ],
    ids=["nothing", "another protocol", "an echo", "another's answer", "an error"],
)
async def test_what_is_no_answer_to_this_request_does_not_count(
    wrong: Callable[[bytes], bytes],
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(wrong(await reader.readexactly(20)))
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert not await answers(Server("127.0.0.1", port, "tcp"))


async def test_tls_is_with_whom_the_system_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = a_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    async with a_stun_server(context) as server:
        address = Server("localhost", server.port, "tls")
        assert not await answers(address)
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        assert await answers(address)
        monkeypatch.setattr("socket.getaddrinfo", _everybody_is_here(socket.getaddrinfo))
        assert not await answers(Server("another.example", server.port, "tls"))


def _everybody_is_here(original: Callable[..., object]) -> Callable[..., object]:
    return lambda host, *rest, **more: original("localhost", *rest, **more)
