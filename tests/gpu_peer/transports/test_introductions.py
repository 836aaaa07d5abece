"""What a signaled connection has to do with the server that introduced it: road, word, relay."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiortc import RTCPeerConnection

from gpu_peer.clock import LoopClock
from gpu_peer.errors import ChannelClosed
from gpu_peer.transports import gathering, signaled_sessions
from gpu_peer.transports.ice_servers import NONE, IceServers, Server, Turn
from gpu_peer.transports.signaled_sessions import SignaledSessions
from protocol.signaling import Answer
from protocol.trust import TrustError
from tests.gpu_peer.support.device import RtcDevice
from tests.gpu_peer.support.house import House, a_house, sessions_of
from tests.gpu_peer.support.introducer import MemoryIntroducer
from tests.gpu_peer.support.stun_server import PASSWORD, USERNAME, a_stun_server


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path / "chats.sqlite3", LoopClock()) as house:
        yield house


@pytest.fixture
async def sessions(tmp_path: Path, house: House) -> AsyncIterator[SignaledSessions]:
    async with sessions_of(house, tmp_path) as sessions:
        yield sessions


@pytest.fixture
def vds() -> MemoryIntroducer:
    return MemoryIntroducer()


@pytest.fixture(params=[[], ["127.0.0.1"], ["::1"]], ids=["no network", "IPv4", "IPv6"])
def network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have both ends find these addresses of the machine and no other."""
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda **_: request.param)


def on_loopback(device: RtcDevice) -> RTCPeerConnection:
    """Have the device offer what a browser would on a PC whose network is gone."""
    peer = device.peer
    assert peer.sctp is not None
    gathering.prepare(peer.sctp.transport.transport._connection, NONE, pytest.fail)
    return peer


async def test_it_opens_and_its_road_is_in_the_list_of_devices(
    house: House, sessions: SignaledSessions, network: None
) -> None:
    device = await house.device("ann", sessions)
    on_loopback(device)
    await device.connect()
    await device.greet()
    (shown,) = (await house.household.shown(house.household.owner, None)).devices
    assert [live.road for live in shown.live] == ["lan"]
    await device.leave()


async def test_its_room_is_vouched_for_once_the_device_is_known(
    house: House, sessions: SignaledSessions, vds: MemoryIntroducer
) -> None:
    stranger = RtcDevice("ann", sessions, introducer=vds)
    await stranger.reach()
    with pytest.raises(ChannelClosed):
        await stranger.prove()
    assert any(isinstance(message, TrustError) for message in stranger.heard)
    assert vds.vouched.empty()
    device = await house.device("ann", sessions, introducer=vds)
    await device.connect()
    await device.greet()
    assert vds.vouched.get_nowait() == "room"
    for one in (stranger, device):
        await one.leave()


async def test_the_relay_is_that_of_the_server_that_introduced_and_so_is_its_failure(
    sessions: SignaledSessions, vds: MemoryIntroducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_stun_server() as relay:
        turn = Turn(Server("127.0.0.1", relay.port, "udp"), USERNAME, PASSWORD)
        vds.servers = IceServers(turn=turn)
        by_vds = RtcDevice("ann", sessions, introducer=vds)
        by_another = RtcDevice("ann", sessions)
        for device, relayed in [(by_vds, True), (by_another, False)]:
            answer = await device.offer()
            assert isinstance(answer, Answer)
            assert ("typ relay" in answer.sdp) is relayed
            await device.leave()
        assert vds.failures == 0
        relay.silent = True
        monkeypatch.setattr(gathering, "GATHER_S", 0.2)
        again = RtcDevice("ann", sessions, introducer=vds)
        await again.offer()
        assert vds.failures == 1
        await again.leave()
        await sessions.close()


async def test_two_servers_have_names_of_their_own_and_limits_in_common(
    sessions: SignaledSessions, vds: MemoryIntroducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signaled_sessions, "PER_ACCOUNT", 1)
    monkeypatch.setattr(signaled_sessions, "IN_ALL", 2)
    here = RtcDevice("ann", sessions)
    there, third = (RtcDevice("ann", sessions, introducer=vds) for _ in range(2))
    there._sender = here._sender  # a server may name its peers as it likes
    there.signals = vds.join(there._sender.id)
    await here.reach()
    await there.reach()
    assert len(sessions) == 2
    monkeypatch.setattr(signaled_sessions, "PER_ACCOUNT", 9)
    assert (await third.refused()).code == "too_many_connections"
    for device in (here, there, third):
        await device.leave()
