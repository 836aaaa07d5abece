"""Of a guest nothing is kept, once their devices are gone."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from gpu_peer.household.desk import Asker
from gpu_peer.household.guests import GRACE_S, Guests
from gpu_peer.trust.connect import Open
from gpu_peer.trust.devices import Device
from gpu_peer.uuid7 import uuid7
from protocol.chat import ChangeSetting, ChatHead
from protocol.transcript import key_id
from tests.gpu_peer.support.house import House
from tests.gpu_peer.support.trust import ed25519, public
from tests.gpu_peer.support.virtual_clock import VirtualClock

KEY = public(ed25519("guest"))


@pytest.fixture
async def guest(house: House) -> str:
    person = (await house.household.add_person("Guest", "guest")).id
    await house.household.devices.register(KEY, "Phone", person, 1)
    return person


@pytest.fixture
async def guests(house: House, guest: str) -> AsyncIterator[Guests]:
    guests = Guests(house.household, house.home.erase, house.clock)
    await guests.start()
    yield guests
    await guests.close()


async def say_something(house: House, person: str) -> None:
    device = house.join(Asker(person, None))
    await device.greet()
    device.say(ChangeSetting(id=uuid7(), name="language", value="ru"))
    await device.ask(await device.create_chat("My secret"), "My secret")
    device.leave()


async def chats(house: House, person: str) -> list[ChatHead]:
    return await house.store.run(lambda log: log.chats(person))


async def come(house: House, person: str) -> AsyncExitStack:
    """Have the guest's device connected; closing what is given ends it."""
    stack = AsyncExitStack()
    opened = Open(Device(key_id(KEY), KEY, person), "0000-0000")
    await stack.enter_async_context(house.household.connected(opened, "signaled", lambda: None))
    return stack


async def test_chats_are_erased_a_while_after_the_last_device_has_gone(
    house: House, clock: VirtualClock, guests: Guests, guest: str
) -> None:
    here = await come(house, guest)
    await say_something(house, guest)
    owner = house.household.owner
    await say_something(house, owner)
    await here.aclose()
    clock.advance(GRACE_S - 1)
    assert len(await chats(house, guest)) == 1
    clock.advance(1)
    while await chats(house, guest):
        pass
    assert len(await chats(house, owner)) == 1
    page = await house.store.run(lambda log: log.page(guest, 0))
    assert "secret" not in str(page.bodies)
    while (await house.store.run(lambda log: log.standing(guest))).settings:
        pass


async def test_who_comes_back_in_time_finds_their_chats(
    house: House, clock: VirtualClock, guests: Guests, guest: str
) -> None:
    here = await come(house, guest)
    await say_something(house, guest)
    await here.aclose()
    clock.advance(GRACE_S - 1)
    back = await come(house, guest)
    clock.advance(GRACE_S)
    assert len(await chats(house, guest)) == 1
    await back.aclose()


async def test_what_was_left_behind_is_erased_at_the_start_and_at_the_end(
    house: House, guest: str
) -> None:
    guests = Guests(house.household, house.home.erase, house.clock)
    for act in (guests.start, guests.close):
        await say_something(house, guest)
        await act()
        assert await chats(house, guest) == []
