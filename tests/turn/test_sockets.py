"""The relay on real sockets, with aioice's client and with aiortc's peers."""

import asyncio
import contextlib
import socket
import ssl
import time
from dataclasses import replace

import pytest
from aioice import turn as aioice_turn
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection
from aiortc.rtcconfiguration import RTCIceTransportPolicy

from protocol import stun
from tests.turn.caller import make_relay
from tests.turn.conftest import Certificates, Running, credentials
from turn import channel_data
from turn.udp import UdpClient, UdpListener

ROADS = ["udp", "tcp", "tls"]

OPENING = b"permits the other end to send"
"""Arrives where the other end has permitted it already, and else not."""


class Inbox(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self._came: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data != OPENING:
            self._came.put_nowait((data, addr))

    async def next(self) -> tuple[bytes, tuple[str, int]]:
        return await asyncio.wait_for(self._came.get(), 5)


async def allocate(
    running: Running, road: str, certificates: Certificates, host: str = "127.0.0.1"
) -> tuple[asyncio.DatagramTransport, Inbox]:
    username, password = credentials()
    settings = running.settings
    transport, inbox = await aioice_turn.create_turn_endpoint(
        Inbox,
        server_addr=(host, settings.turn_tls_port if road == "tls" else settings.turn_port),
        username=username,
        password=password,
        ssl=ssl.create_default_context(cafile=certificates.authority) if road == "tls" else False,
        transport="udp" if road == "udp" else "tcp",
    )
    return transport, inbox


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("other", ROADS)
async def test_aioice_talks_to_aioice(
    running: Running, certificates: Certificates, road: str, other: str
) -> None:
    one, inbox_one = await allocate(running, road, certificates)
    two, inbox_two = await allocate(running, other, certificates)
    at_one, at_two = one.get_extra_info("sockname"), two.get_extra_info("sockname")
    one.sendto(OPENING, at_two)
    two.sendto(b"first", at_one)
    assert await inbox_one.next() == (b"first", at_two)
    for size in (1, 3, 1200, 5):
        one.sendto(bytes(size), at_two)
        assert await inbox_two.next() == (bytes(size), at_one)
    for transport in (one, two):
        transport.close()
    await _no_allocations(running)


async def test_clients_over_ipv6(running: Running, certificates: Certificates) -> None:
    one, inbox = await allocate(running, "udp", certificates, host="::1")
    two, _ = await allocate(running, "tcp", certificates, host="::1")
    one.sendto(OPENING, two.get_extra_info("sockname"))
    two.sendto(b"hello", one.get_extra_info("sockname"))
    assert (await inbox.next())[0] == b"hello"
    for transport in (one, two):
        transport.close()
    await _no_allocations(running)


@pytest.mark.parametrize("road", ROADS)
async def test_aiortc_talks_to_aiortc_over_the_relay_alone(
    running: Running, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, road: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    app, home = (RTCPeerConnection(_configuration(running, road, user)) for user in ("a", "home"))
    answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    channel = app.createDataChannel("chat")
    channel.on("open", lambda: channel.send("question"))
    channel.on("message", answered.set_result)
    home.on("datachannel", lambda far: far.on("message", lambda text: far.send(f"to {text}")))
    await app.setLocalDescription(await app.createOffer())
    assert " typ relay" in app.localDescription.sdp
    assert " typ host" not in app.localDescription.sdp
    await home.setRemoteDescription(app.localDescription)
    await home.setLocalDescription(await home.createAnswer())
    await app.setRemoteDescription(home.localDescription)
    assert await asyncio.wait_for(answered, 20) == "to question"
    assert running.server.relay.tally.packets > 10
    await app.close()
    await home.close()


async def test_a_stop_takes_less_than_a_second(
    running: Running, certificates: Certificates
) -> None:
    for road in ("tcp", "tls"):
        await allocate(running, road, certificates)
    began = time.monotonic()
    await running.server.stop()
    assert time.monotonic() - began < 1
    assert not running.server.relay.allocations.of


async def test_messages_in_odd_pieces_are_answered_each(running: Running) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.settings.turn_port)
    request = stun.build(stun.Method.BINDING, stun.Class.REQUEST, bytes(12))
    for at in range(0, len(request) * 3, 7):
        writer.write((request * 3)[at : at + 7])
        await writer.drain()
    for _ in range(3):
        header = await reader.readexactly(20)
        body = await reader.readexactly(int.from_bytes(header[2:4]))
        assert stun.parse(header + body).get(stun.XOR_MAPPED_ADDRESS) == (
            writer.get_extra_info("sockname")
        )
    await close(writer)


@pytest.mark.parametrize("noise", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00", bytes(8)])
async def test_a_stream_of_something_else_ends(running: Running, noise: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.settings.turn_port)
    writer.write(noise)
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    await close(writer)


async def test_a_handshake_that_fails_leaves_nothing_behind(running: Running) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.settings.turn_tls_port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        await asyncio.wait_for(reader.read(), 5)
    await close(writer)
    async with asyncio.timeout(5):
        await running.server.connections.all_closed()


@pytest.fixture
def few_connections(running: Running) -> int:
    """Have the running relay take few connections from one address, and give how many."""
    connections = running.server.connections
    connections.limits = replace(connections.limits, per_address=3)
    return 3


@pytest.mark.parametrize("road", ["tcp", "tls"])
async def test_a_connection_counts_before_it_says_anything(
    running: Running, certificates: Certificates, few_connections: int, road: str
) -> None:
    settings, connections = running.settings, running.server.connections
    port = settings.turn_tls_port if road == "tls" else settings.turn_port
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(few_connections)]
    reader, one_more = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    assert len(connections) == few_connections
    for _, writer in (silent.pop(), (reader, one_more)):
        await close(writer)
    await _fewer(running, few_connections)
    transport, _ = await allocate(running, road, certificates)
    transport.close()
    for _, writer in silent:
        await close(writer)
    async with asyncio.timeout(5):
        await connections.all_closed()


async def test_a_handshake_that_does_not_end_is_ended(running: Running) -> None:
    connections = running.server.connections
    for listener in running.server._streams:
        listener._within_s = listener._within_s and 0.05
    reader, writer = await asyncio.open_connection("127.0.0.1", running.settings.turn_tls_port)
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    async with asyncio.timeout(5):
        await connections.all_closed()
    await close(writer)


async def test_a_stop_waits_for_no_handshake(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turn.app._CLOSE_S", 600)
    reader, writer = await asyncio.open_connection("127.0.0.1", running.settings.turn_tls_port)
    while not len(running.server.connections):  # noqa: ASYNC110
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await running.server.stop()
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    await close(writer)


async def test_channel_data_of_a_stranger_is_not_answered(running: Running) -> None:
    loop = asyncio.get_running_loop()
    transport, inbox = await loop.create_datagram_endpoint(
        Inbox, remote_addr=("127.0.0.1", running.settings.turn_port)
    )
    transport.sendto(channel_data.build(0x4000, b"data"))
    transport.sendto(stun.build(stun.Method.BINDING, stun.Class.REQUEST, bytes(12)))
    answer = stun.parse((await inbox.next())[0])
    assert answer.method == stun.Method.BINDING
    transport.close()


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


def _configuration(running: Running, road: str, user: str) -> RTCConfiguration:
    username, password = credentials(user)
    settings = running.settings
    url = {
        "udp": f"turn:127.0.0.1:{settings.turn_port}?transport=udp",
        "tcp": f"turn:127.0.0.1:{settings.turn_port}?transport=tcp",
        "tls": f"turns:localhost:{settings.turn_tls_port}?transport=tcp",
    }[road]
    server = RTCIceServer(urls=url, username=username, credential=password)
    return RTCConfiguration([server], iceTransportPolicy=RTCIceTransportPolicy.RELAY)


async def _no_allocations(running: Running) -> None:
    """Wait for the ends to have said that they go."""
    async with asyncio.timeout(5):
        while running.server.relay.allocations.of:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert not any(listener.allocations for listener in running.server.udp)


async def _fewer(running: Running, than: int) -> None:
    """Wait until an end has been noticed."""
    async with asyncio.timeout(5):
        while len(running.server.connections) >= than:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_the_interface_is_no_part_of_an_address() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as bound:
        listener = UdpListener(make_relay(), bound)
        client = UdpClient(listener, ("fe80::1%eth0", 5000, 0, 2))
        assert client.address == ("fe80::1", 5000)
        listener.close()
