"""Somebody in the middle with a peer connection on each leg: relays, replays, reflects, mixes.

Where a test says that certificates were stolen, the fingerprints fit, and something else has to
keep the attacker out.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiortc import RTCCertificate

from gpu_peer.transports.certificate import load_certificate
from gpu_peer.trust.connect import CONNECT_MS
from protocol import VERSION, base64url, codec
from protocol.base import Message
from protocol.chat import Welcome
from protocol.framing import split
from protocol.trust import Bound, Challenge, Introduce, Prove, TrustError
from tests.gpu_peer.support import trust
from tests.gpu_peer.support.trust import DeviceEnd, fixed, p256, public
from tests.hostile.attack import attacked
from tests.hostile.device import ATTACK, BOUND, PHONE, TIMEOUT, Device, End, refused
from tests.hostile.home import Home
from tests.hostile.ledger import Direction
from tests.hostile.middle import Middle, Tamper, pass_on
from tests.hostile.own_home import OwnHome
from tests.hostile.stranger import Pretender, Stranger

TO_HOME, TO_DEVICE = Direction
Frames = Iterable[tuple[Direction, bytes | str]]


def frame(message: Message) -> bytes:
    (only,) = split(codec.encode(message))
    return only


@pytest.fixture
def stolen(tmp_path: Path) -> RTCCertificate:
    """The phone's DTLS certificate."""
    return load_certificate(tmp_path / "phone")


@asynccontextmanager
async def a_middle(tamper: Tamper = pass_on, **stolen: Any) -> AsyncIterator[Middle]:
    middle = Middle(tamper, **stolen)
    try:
        yield middle
    finally:
        await middle.close()


async def through(home: Home, device: Device, tamper: Tamper = pass_on, **stolen: Any) -> End:
    """Attack with a middle that does this to frames."""
    async with a_middle(tamper, **stolen) as middle:
        road = middle.towards(home.answer)
        end = await attacked(device, road, home, [middle.ledger])
        assert middle.ledger.types(TO_HOME)[:1] == ["introduce"], "nobody was in the middle"
    return end


async def test_both_legs_relayed(home: Home, device: Device) -> None:
    assert await through(home, device) == ATTACK


@pytest.mark.parametrize("whose", ["home", "device"])
async def test_with_one_end_s_certificate_it_is_no_further(
    home: Home, stolen: RTCCertificate, whose: str
) -> None:
    thief = {"homes": home.certificate} if whose == "home" else {"devices": stolen}
    assert await through(home, Device(certificate=stolen), **thief) == ATTACK


async def test_the_home_alone_would_stop_it(
    home: Home, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that takes any signature for its home's proves itself to nobody in the middle."""
    monkeypatch.setattr(trust, "verify", lambda *_: True)
    assert await through(home, device) == refused("proof_wrong")


async def test_a_whole_connection_said_again_to_the_device(
    home: Home, stolen: RTCCertificate
) -> None:
    """With both certificates, so that all but the nonces is as it was."""
    recorded = await record(home, stolen)
    device = Device(certificate=stolen)
    home.sessions.clear()
    again = Pretender([data for way, data in recorded if way is TO_DEVICE], home.certificate)
    assert await attacked(device, again.answer, home) == ATTACK
    assert len(again.heard) == 1
    await again.close()


async def test_a_whole_connection_said_again_to_the_home(
    home: Home, stolen: RTCCertificate
) -> None:
    recorded = await record(home, stolen)
    home.sessions.clear()
    again = Stranger(stolen)
    await again.call(home.answer)
    for way, data in recorded:
        if way is TO_HOME:
            again.leg.say(data)
    assert isinstance(await again.next(), Challenge)
    assert code_of(await again.next()) == "proof_wrong"
    assert await again.next() is None
    assert home.sessions == []
    await again.close()


async def test_the_home_s_own_signature_is_no_device_s(home: Home, stolen: RTCCertificate) -> None:
    nonce = fixed("a nonce")
    stranger = Stranger(stolen)
    await stranger.call(home.answer)
    stranger.say(DeviceEnd(PHONE, nonce=nonce).introduce())
    challenge = await stranger.next()
    assert isinstance(challenge, Challenge)
    stranger.say(Prove(signature=challenge.signature, nonce=base64url.to_text(nonce)))
    assert code_of(await stranger.next()) == "proof_wrong"
    assert (await stranger.next(), home.sessions) == (None, [])
    await stranger.close()


async def test_what_either_end_says_comes_back_to_it(home: Home, device: Device) -> None:
    def reflect(direction: Direction, data: bytes | str) -> Frames:
        back = TO_DEVICE if direction is TO_HOME else TO_HOME
        return [(direction, data), (back, data)] if direction is TO_DEVICE else [(back, data)]

    assert await through(home, device, reflect) == refused("unknown_type")


@pytest.mark.parametrize("stolen_too", [False, True])
async def test_a_home_of_its_own(home: Home, device: Device, stolen_too: bool) -> None:
    """It runs our own code, and knows the device's key, which is not secret."""
    own = OwnHome(device_key=public(PHONE), homes=home.certificate if stolen_too else None)
    assert await attacked(device, own.towards(home.answer), home, [own.ledger]) == ATTACK
    assert own.ledger.types(TO_HOME) == ["introduce"]
    await own.close()


@pytest.mark.parametrize("stolen_too", [False, True])
async def test_two_devices_challenges_exchanged(
    home: Home, stolen: RTCCertificate, stolen_too: bool
) -> None:
    """Each gets what the home signed for the other one."""
    ends = await exchange(home, stolen if stolen_too else None, [TO_DEVICE])
    assert ends == [ATTACK, ATTACK]


async def test_two_connections_exchanged(home: Home) -> None:
    """Each device speaks with the home on the other's connection."""
    assert await exchange(home, None, list(Direction)) == [ATTACK, ATTACK]


@pytest.mark.parametrize("difference", [-1, 1])
async def test_another_version_is_refused(home: Home, device: Device, difference: int) -> None:
    def change(direction: Direction, data: bytes | str) -> Frames:
        if direction is TO_DEVICE:
            return [(direction, data)]
        assert isinstance(data, bytes)
        said = msgspec.json.decode(data[1:], type=Introduce)
        changed = msgspec.structs.replace(said, version=VERSION + difference)
        return [(direction, frame(changed))]

    assert await through(home, device, change) == refused("unsupported_version")


CHALLENGE = Challenge(
    nonce=base64url.to_text(fixed("nonce")), signature=base64url.to_text(bytes(64))
)
WELCOME = Welcome(
    version=VERSION,
    log="01890a5d-ac96-774b-bcce-b302099a8057",
    head=0,
    after=0,
    before=1,
    common=0,
    settings=[],
    model="m",
    heartbeat_s=2,
)


@pytest.mark.parametrize(
    ("forged", "end"),
    [
        (frame(Bound()), refused("malformed")),
        (frame(WELCOME), refused("unknown_type")),
        (frame(CHALLENGE), ATTACK),
        (frame(TrustError(code="device_unknown", message="")), refused("device_unknown")),
        (frame(TrustError(code="device_revoked", message="")), refused("device_revoked")),
        (b"\x03{}", refused("malformed")),
        (b"\xff", refused("malformed")),
        ("text", refused("malformed")),
    ],
)
async def test_a_word_of_its_own_in_the_home_s_place(
    home: Home, device: Device, forged: bytes | str, end: End
) -> None:
    def forge(direction: Direction, data: bytes | str) -> Frames:
        return [(TO_DEVICE, forged)] if direction is TO_HOME else []

    assert await through(home, device, forge) == end


async def test_a_silent_middle_costs_time_and_nothing_else(home: Home, device: Device) -> None:
    def swallow(direction: Direction, data: bytes | str) -> Frames:
        if direction is TO_HOME:
            return [(direction, data)]
        clock = home.house.clock
        asyncio.get_running_loop().call_soon(clock.advance, CONNECT_MS / 1000)
        device.run_out_of_time()
        return []

    assert await through(home, device, swallow) == TIMEOUT


def code_of(message: object) -> str:
    assert isinstance(message, TrustError), message
    return message.code


async def record(home: Home, stolen: RTCCertificate) -> list[tuple[Direction, bytes | str]]:
    """Give every frame of an honest connection."""
    recorded: list[tuple[Direction, bytes | str]] = []

    def keep(direction: Direction, data: bytes | str) -> Frames:
        recorded.append((direction, data))
        return [(direction, data)]

    device = Device(certificate=stolen)
    async with a_middle(keep, homes=home.certificate, devices=stolen) as middle:
        assert await device.connect(middle.towards(home.answer)) == BOUND
        await home.prompt()
        await device.close()
    return recorded


async def exchange(
    home: Home, certificate: RTCCertificate | None, crossed: list[Direction]
) -> list[End]:
    """Connect two devices, with what goes these ways given to the other connection."""
    tablet = p256("tablet")
    await home.know(tablet)

    def cross(other: int) -> Tamper:
        def tamper(direction: Direction, data: bytes | str) -> Frames:
            if direction not in crossed:
                return [(direction, data)]
            middles[other].say(direction, data)
            return []

        return tamper

    stolen = {"homes": home.certificate, "devices": certificate} if certificate else {}
    middles = [Middle(cross(1), **stolen), Middle(cross(0), **stolen)]
    devices = [Device(PHONE, certificate), Device(tablet, certificate)]
    ends = await asyncio.gather(
        *(
            device.connect(middle.towards(home.answer))
            for device, middle in zip(devices, middles, strict=True)
        )
    )
    for end in (*devices,):
        await end.close()
    for middle in middles:
        await middle.close()
        assert middle.ledger.chat == []
    assert [device.said.chat for device in devices] == [[], []]
    assert home.sessions == []
    return list(ends)
