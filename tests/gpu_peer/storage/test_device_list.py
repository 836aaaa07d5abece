import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gpu_peer.errors import ListRefused, StorageFailed
from gpu_peer.storage.device_list import DeviceList
from gpu_peer.storage.people import People
from gpu_peer.storage.store import Store
from gpu_peer.trust.connect import Connect, Open, Send
from protocol.transcript import key_id
from protocol.trust import Challenge, TrustError
from tests.gpu_peer.support.trust import FINGERPRINTS, HOME, DeviceEnd, ed25519, fixed, public

KEY = ed25519("phone")
PHONE = public(KEY)
ID = key_id(PHONE)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store(tmp_path / "chats.sqlite3").open()
    yield store
    await store.close()


async def person(store: Store) -> str:
    return (await store.with_people(lambda people: people.add_person("Anna", 1))).id


def connect(devices: DeviceList) -> Open | str:
    """Connect with the real machines; gives their end, or the code of refusal."""
    device = DeviceEnd(KEY)
    machine = Connect(HOME, devices, FINGERPRINTS, fixed("home nonce"), 0)
    (answer,) = machine.receive(device.introduce(), 0)
    assert isinstance(answer, Send)
    if isinstance(answer.message, TrustError):
        return answer.message.code
    assert isinstance(answer.message, Challenge)
    opened = machine.receive(device.prove(answer.message), 0)[-1]
    assert isinstance(opened, Open)
    return opened


async def test_a_registered_device_connects_until_it_is_removed(store: Store) -> None:
    devices = await DeviceList(store).open()
    assert connect(devices) == "device_unknown"
    anna = await person(store)
    await devices.register(PHONE, "phone", anna, 1)
    opened = connect(devices)
    assert isinstance(opened, Open)
    assert opened.device.person == anna
    await devices.revoke(ID, 2)
    assert connect(devices) == "device_revoked"
    assert connect(await DeviceList(store).open()) == "device_revoked", "after a restart"
    await devices.register(PHONE, "phone", anna, 3, readmit=True)
    assert isinstance(connect(devices), Open)


async def test_what_is_refused_changes_nothing(store: Store) -> None:
    devices = await DeviceList(store).open()
    with pytest.raises(ListRefused):
        await devices.register(PHONE, "phone", "nobody", 1)
    with pytest.raises(ListRefused):
        await devices.revoke(ID, 1)
    assert connect(devices) == "device_unknown"
    await devices.register(PHONE, "phone", await person(store), 2)
    assert isinstance(connect(devices), Open), "an id that was tried before is not cut"


async def stop_thread(store: Store) -> tuple[asyncio.Task[None], threading.Event]:
    """Keep the storage thread busy until the event is set."""
    entered, go_on = threading.Event(), threading.Event()

    def wait(people: People) -> None:
        entered.set()
        go_on.wait(10)

    busy = asyncio.create_task(store.with_people(wait))
    await asyncio.to_thread(entered.wait, 10)
    return busy, go_on


async def test_a_removed_device_is_out_before_the_disk_knows(store: Store) -> None:
    devices = await DeviceList(store).open()
    anna = await person(store)
    await devices.register(PHONE, "phone", anna, 1)
    busy, go_on = await stop_thread(store)
    registering = asyncio.create_task(devices.register(PHONE, "again", anna, 2))
    await asyncio.sleep(0)
    removing = asyncio.create_task(devices.revoke(ID, 3))
    await asyncio.sleep(0)
    assert connect(devices) == "device_revoked"
    go_on.set()
    await registering
    assert connect(devices) == "device_revoked", "an older registration does not undo it"
    await removing
    await busy
    assert connect(devices) == "device_revoked"


async def test_a_disk_that_fails_keeps_a_removed_device_out(store: Store) -> None:
    devices = await DeviceList(store).open()
    await devices.register(PHONE, "phone", await person(store), 1)
    await store.with_people(lambda people: people._db.execute("PRAGMA query_only = ON"))
    with pytest.raises(StorageFailed, match=r"readonly|read-only|read only"):
        await devices.revoke(ID, 2)
    assert connect(devices) == "device_revoked"
    await store.with_people(lambda people: people._db.execute("PRAGMA query_only = OFF"))
    await devices.revoke(ID, 2)
    assert connect(await DeviceList(store).open()) == "device_revoked"
