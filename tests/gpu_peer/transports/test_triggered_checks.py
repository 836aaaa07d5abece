"""A check that was lost before the device had the answer holds nothing up."""

import asyncio
from pathlib import Path

import aioice
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from gpu_peer.transports.certificate import load_certificate
from gpu_peer.transports.signaled import SignaledSession


class Nat:
    """Lets no check through to a device, until the device sends checks itself."""

    def __init__(self, device: aioice.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_open = False
        self.dropped = asyncio.Event()
        self._receive = device.request_received
        monkeypatch.setattr(device, "request_received", self._filter)

    def _filter(self, *request: object) -> None:
        if self.is_open:
            self._receive(*request)  # type: ignore[arg-type]
        else:
            self.dropped.set()


async def test_the_devices_check_has_the_lost_one_repeated_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aioice.ice.get_host_addresses", lambda **_: ["127.0.0.1"])
    monkeypatch.setattr("aioice.stun.RETRY_RTO", 600)  # nothing is repeated by time
    device = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    channel = device.createDataChannel("chat")
    opened = asyncio.Event()
    channel.on("open", opened.set)
    await device.setLocalDescription(await device.createOffer())
    assert device.sctp is not None
    nat = Nat(device.sctp.transport.transport._connection, monkeypatch)
    session = SignaledSession(load_certificate(tmp_path), lambda _road: pytest.fail)
    answer = await session.accept(device.localDescription.sdp)
    async with asyncio.timeout(10):
        await nat.dropped.wait()
        nat.is_open = True
        await device.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await opened.wait()
    await device.close()
    await session.close()
