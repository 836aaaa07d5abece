"""What a real connection's answer offers, and how long it waits for servers."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from gpu_peer.transports import gathering
from gpu_peer.transports.certificate import load_certificate
from gpu_peer.transports.ice_servers import NONE, IceServers, Server, Turn
from gpu_peer.transports.signaled import CLOSE_S, SignaledSession
from protocol.stun import Method
from tests.gpu_peer.support.stun_server import PASSWORD, USERNAME, StunServer, a_stun_server


@pytest.fixture
async def server() -> AsyncIterator[StunServer]:
    async with a_stun_server() as server:
        yield server


@pytest.fixture
def addresses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """This machine's, as aioice finds them."""
    found = ["127.0.0.2", "127.0.0.3"]
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda **_: found)
    return found


def turn(server: StunServer, password: str = PASSWORD) -> IceServers:
    return IceServers(turn=Turn(Server("127.0.0.1", server.port, "udp"), USERNAME, password))


async def candidates(
    folder: Path, servers: IceServers, relay_failed: Callable[[], None] = pytest.fail
) -> tuple[list[str], SignaledSession]:
    """Give type and address of what the answer offers, and the session."""
    device = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    device.createDataChannel("chat")
    await device.setLocalDescription(await device.createOffer())
    session = SignaledSession(
        load_certificate(folder), lambda _road: pytest.fail, servers, relay_failed
    )
    answer = await session.accept(device.localDescription.sdp)
    await device.close()
    lines = [line.split() for line in answer.splitlines() if line.startswith("a=candidate")]
    return sorted(f"{words[7]} {words[4]}" for words in lines), session


async def test_without_servers_it_is_the_addresses_of_this_machine(
    tmp_path: Path, addresses: list[str]
) -> None:
    offered, session = await candidates(tmp_path, NONE)
    assert offered == ["host 127.0.0.2", "host 127.0.0.3"]
    await session.close()


async def test_a_machine_without_a_network_offers_loopback(
    tmp_path: Path, addresses: list[str]
) -> None:
    addresses.clear()
    offered, session = await candidates(tmp_path, NONE)
    assert offered == ["host 127.0.0.1", "host ::1"]
    await session.close()


async def test_the_relay_is_one_more(
    tmp_path: Path, addresses: list[str], server: StunServer
) -> None:
    offered, session = await candidates(tmp_path, turn(server))
    assert offered == ["host 127.0.0.2", "host 127.0.0.3", "relay 192.0.2.77"]
    await session.close()
    assert server.asked[-1][0] == Method.REFRESH  # and gives the allocation back


async def test_a_server_is_asked_only_from_where_it_answers(
    tmp_path: Path, addresses: list[str], server: StunServer
) -> None:
    stun = Server("127.0.0.1", server.port, "udp")
    servers = IceServers(stun=stun, stun_from=frozenset({"127.0.0.3"}))
    offered, session = await candidates(tmp_path, servers)
    assert offered == ["host 127.0.0.2", "host 127.0.0.3", "srflx 127.0.0.3"]
    assert {source[0] for _, source in server.asked} == {"127.0.0.3"}
    await session.close()


async def test_a_relay_that_fell_silent_delays_the_answer_by_a_known_time(
    tmp_path: Path, addresses: list[str], server: StunServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "GATHER_S", 0.2)
    server.silent = True
    failed: list[bool] = []
    began = time.monotonic()
    offered, session = await candidates(tmp_path, turn(server), lambda: failed.append(True))
    assert time.monotonic() - began < 2
    assert failed == [True]
    assert offered == ["host 127.0.0.2", "host 127.0.0.3"]
    await session.close()


async def test_a_relay_that_refuses_delays_nothing(
    tmp_path: Path, addresses: list[str], server: StunServer
) -> None:
    failed: list[bool] = []
    async with asyncio.timeout(gathering.GATHER_S - 1):
        servers = turn(server, "wrong")
        offered, session = await candidates(tmp_path, servers, lambda: failed.append(True))
    assert failed == [True]
    assert offered == ["host 127.0.0.2", "host 127.0.0.3"]
    await session.close()


async def test_the_end_is_not_kept_by_a_relay_that_is_gone(
    tmp_path: Path, addresses: list[str], server: StunServer
) -> None:
    _, session = await candidates(tmp_path, turn(server))
    server.silent = True
    async with asyncio.timeout(CLOSE_S + 2):
        await session.close()
    server.silent = False
    assert session._closing is not None
    await session._closing  # the next time that it is asked, it answers
