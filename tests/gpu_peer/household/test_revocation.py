"""A device that is removed is out at once and stays out, over real WebRTC."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from gpu_peer.clock import LoopClock
from gpu_peer.errors import ChannelClosed
from gpu_peer.household.household import PER_DEVICE, Household
from gpu_peer.storage.store import Store
from gpu_peer.transports.signaled_sessions import SignaledSessions
from gpu_peer.trust.connect import Open
from gpu_peer.trust.devices import Device
from protocol.chat import Delta
from protocol.transcript import key_id
from protocol.trust import TrustError
from tests.gpu_peer.support.device import RtcDevice
from tests.gpu_peer.support.house import House, a_house, sessions_of
from tests.gpu_peer.support.trust import HOME, DeviceEnd, public

YEAR_MS = 365 * 86_400_000


class SetBack(LoopClock):
    """The PC's clock, which somebody may set."""

    back_ms = 0

    def wall_ms(self) -> int:
        return super().wall_ms() - self.back_ms


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path / "chats.sqlite3", SetBack()) as house:
        yield house


@pytest.fixture
async def sessions(tmp_path: Path, house: House) -> AsyncIterator[SignaledSessions]:
    async with sessions_of(house, tmp_path) as sessions:
        yield sessions


async def answering(house: House, device: RtcDevice) -> str:
    """Have an answer stream to the device; give its id."""
    await device.connect()
    await device.greet()
    begun = await device.ask(await device.create_chat(), "Go on.")
    await house.engine.submitted()
    house.engine.say(begun.answer, "One, ")
    await device.hear(Delta)
    return begun.answer


async def refused(device: RtcDevice) -> str:
    await device.reach()
    device.say(DeviceEnd(device.key).introduce())
    return (await device.hear(TrustError)).code


async def test_in_the_middle_of_an_answer(house: House, sessions: SignaledSessions) -> None:
    lost = await house.device("ann", sessions)
    answer = await answering(house, lost)
    kept = await house.device("ann", sessions)
    await kept.connect()
    await kept.greet()
    await house.household.revoke(key_id(public(lost.key)))
    house.engine.say(answer, "two.")
    with pytest.raises(ChannelClosed):
        await lost.next()
    # The answer is the person's, and goes on for their other device.
    assert "two." in (await kept.hear(Delta)).text
    back = RtcDevice("ann", sessions, key=lost.key)
    assert await refused(back) == "device_revoked"
    for device in (lost, kept, back):
        await device.leave()


async def test_while_it_is_away_and_with_the_clock_set_back(
    house: House, sessions: SignaledSessions
) -> None:
    lost = await house.device("ann", sessions)
    assert isinstance(house.clock, SetBack)
    await house.household.revoke(key_id(public(lost.key)))
    house.clock.back_ms = 5 * YEAR_MS
    assert await refused(lost) == "device_revoked"
    await lost.leave()


async def test_after_a_restart_with_the_clock_set_back(tmp_path: Path, house: House) -> None:
    device = RtcDevice("ann", None)  # type: ignore[arg-type]
    key, person = public(device.key), await house.person("ann")
    await house.household.devices.register(key, "Phone", person, house.clock.wall_ms())
    await house.household.revoke(key_id(key))
    again = await Store(tmp_path / "chats.sqlite3").open()
    clock = SetBack()
    clock.back_ms = 5 * YEAR_MS
    known = (await Household(HOME, again, clock).open()).devices.find(key_id(key))
    assert known is not None
    assert known.revoked
    await again.close()
    await device.leave()


async def test_the_list_shows_the_code_that_the_device_shows(
    house: House, sessions: SignaledSessions
) -> None:
    device = await house.device("ann", sessions)
    await device.connect()
    await device.greet()
    (shown,) = (await house.household.shown(house.household.owner, None)).devices
    (live,) = shown.live
    assert live.code == device.code
    assert shown.seen_ms is not None
    await device.leave()


async def test_one_connection_too_many_of_a_device_ends_its_oldest(house: House) -> None:
    person = await house.person("Ann")
    phone = Device(key_id(b"phone"), b"phone", person)
    cut: list[int] = []
    async with AsyncExitStack() as stack:
        for number in range(PER_DEVICE + 1):
            assert cut == []
            opened = Open(phone, "0000-0000")
            await stack.enter_async_context(
                house.household.connected(opened, "signaled", partial(cut.append, number))
            )
        assert cut == [0]
    assert not house.household.is_present(person)
