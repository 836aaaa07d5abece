import asyncio
import re
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from gpu_peer.errors import StorageFailed
from gpu_peer.storage.device_list import DeviceList
from gpu_peer.storage.lan_credentials import LanCredentials
from gpu_peer.storage.lan_table import LanCredential, LanTable
from gpu_peer.storage.store import Store
from protocol.roads import IcePassword, IceUfrag
from protocol.transcript import key_id
from tests.gpu_peer.support.trust import ed25519, public

PHONE = public(ed25519("phone"))
ID = key_id(PHONE)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store(tmp_path / "chats.sqlite3").open()
    yield store
    await store.close()


@pytest.fixture
async def devices(store: Store) -> DeviceList:
    devices = await DeviceList(store).open()
    anna = await store.with_people(lambda people: people.add_person("Anna", 1))
    await devices.register(PHONE, "phone", anna.id, 1)
    return devices


async def opened(store: Store, devices: DeviceList) -> LanCredentials:
    return await LanCredentials(store, devices).open()


async def given(lan: LanCredentials) -> LanCredential:
    credential = await lan.of(ID)
    assert credential is not None
    return credential


async def test_a_device_keeps_what_it_was_given_over_a_restart(
    store: Store, devices: DeviceList
) -> None:
    lan = await opened(store, devices)
    first = await given(lan)
    assert first.device == ID
    msgspec.convert(first.ufrag, IceUfrag)
    msgspec.convert(first.password, IcePassword)
    assert await given(lan) == first
    assert lan.find(first.ufrag) == first
    again = await opened(store, devices)
    assert again.find(first.ufrag) == first


async def test_no_two_devices_have_the_same(store: Store, devices: DeviceList) -> None:
    other = await devices.register(public(ed25519("laptop")), "laptop", await owner(store), 1)
    lan = await opened(store, devices)
    first, second = await given(lan), await lan.of(other.id)
    assert second is not None
    assert not {first.ufrag, first.password} & {second.ufrag, second.password}
    assert all(re.fullmatch(r"\w{12}", one.ufrag) for one in (first, second))


async def owner(store: Store) -> str:
    return (await store.with_people(lambda people: people.people()))[0].id


async def test_who_is_unknown_or_removed_is_given_none(store: Store, devices: DeviceList) -> None:
    lan = await opened(store, devices)
    assert await lan.of("0" * 32) is None
    await devices.revoke(ID, 2)
    assert await lan.of(ID) is None
    assert await store.with_lan(LanTable.all) == [], "nor is one made on the disk"


async def test_a_removed_device_loses_it_before_the_disk_is_asked_and_comes_back_with_another(
    store: Store, devices: DeviceList
) -> None:
    lan = await opened(store, devices)
    first = await given(lan)
    busy = threading.Event()
    blocked = asyncio.ensure_future(store.run(lambda _: busy.wait(10)))
    removing = asyncio.ensure_future(devices.revoke(ID, 2))
    await asyncio.sleep(0)
    assert lan.find(first.ufrag) is None
    busy.set()
    await blocked
    await removing
    assert (await opened(store, devices)).find(first.ufrag) is None
    await devices.readmit(ID, 3)
    second = await given(lan)
    assert (second.ufrag, second.password) != (first.ufrag, first.password)
    assert lan.find(first.ufrag) is None
    assert lan.find(second.ufrag) == second


async def test_one_that_is_removed_while_it_is_asked_for_is_given_none(
    store: Store, devices: DeviceList
) -> None:
    lan = await opened(store, devices)
    busy = threading.Event()
    blocked = asyncio.ensure_future(store.run(lambda _: busy.wait(10)))
    asking = asyncio.ensure_future(lan.of(ID))
    await asyncio.sleep(0)
    removing = asyncio.ensure_future(devices.revoke(ID, 2))
    await asyncio.sleep(0)
    busy.set()
    await asyncio.gather(blocked, removing)
    assert await asking is None
    assert await store.with_lan(LanTable.all) == []


async def test_a_disk_that_does_not_take_it_is_told(
    store: Store, devices: DeviceList, monkeypatch: pytest.MonkeyPatch
) -> None:
    lan = await opened(store, devices)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(LanTable, "of", fail)
    with pytest.raises(StorageFailed, match="No space left"):
        await lan.of(ID)
