"""What each person may ask of the home, over the channel of a device of theirs."""

from typing import Any

import pytest

from gpu_peer.household.desk import Asker
from gpu_peer.uuid7 import uuid7
from protocol import crockford
from protocol.household import (
    AddPerson,
    AnswerPairing,
    CloseInvitation,
    Done,
    Household,
    InvitationEnded,
    InvitationOpened,
    OpenInvitation,
    ReadmitDevice,
    RenameDevice,
    RenamePerson,
    Request,
    RequestRefused,
    RevokeDevice,
    WatchHousehold,
)
from protocol.transcript import SECRET_BYTES, key_id
from tests.gpu_peer.support.device import MemoryDevice
from tests.gpu_peer.support.house import House
from tests.gpu_peer.support.trust import ed25519, public

KEYS = {name: public(ed25519(name)) for name in ("owner", "ann", "bob", "guest")}
DEVICES = {name: key_id(key) for name, key in KEYS.items()}


class Family:
    """An owner, two members and a guest, each with a device."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.people: dict[str, str] = {}

    async def gather(self) -> None:
        household = self.house.household
        self.people["owner"] = household.owner
        for name in ("ann", "bob"):
            self.people[name] = (await household.add_person(name, "member")).id
        self.people["guest"] = (await household.add_person("guest", "guest")).id
        for name, key in KEYS.items():
            await household.devices.register(key, f"{name}'s phone", self.people[name], 1)

    async def at(self, name: str) -> MemoryDevice:
        device = self.house.join(Asker(self.people[name], DEVICES[name]))
        await device.greet()
        return device


@pytest.fixture
async def family(house: House) -> Family:
    family = Family(house)
    await family.gather()
    return family


async def ask(asker: MemoryDevice, kind: type[Any], **fields: Any) -> Any:
    request: Request = kind(id=uuid7(), **fields)
    asker.say(request)
    while True:
        reply = await asker.next()
        if getattr(reply, "id", None) == request.id:
            return reply


async def watch(device: MemoryDevice) -> Household:
    assert isinstance(await ask(device, WatchHousehold), Done)
    return await device.hear(Household)


async def test_the_owner_sees_everybody_and_others_themselves(family: Family) -> None:
    seen = await watch(await family.at("owner"))
    assert {device.id for device in seen.devices} == set(DEVICES.values())
    assert [person.role for person in seen.people].count("owner") == 1
    assert len(seen.people) == 4
    for name in ("ann", "guest"):
        mine = await watch(await family.at(name))
        assert [person.id for person in mine.people] == [family.people[name]]
        assert [device.id for device in mine.devices] == [DEVICES[name]]
        assert (mine.person, mine.device) == (family.people[name], DEVICES[name])


async def test_what_changes_is_told_to_who_watches(family: Family) -> None:
    owner, ann = await family.at("owner"), await family.at("ann")
    await watch(owner)
    done = await ask(ann, RenameDevice, device=DEVICES["ann"], name="New phone")
    assert isinstance(done, Done)
    shown = await owner.hear(Household)
    assert "New phone" in {device.name for device in shown.devices}


@pytest.mark.parametrize("name", ["ann", "guest"])
async def test_nobody_but_the_owner_touches_what_is_anothers(family: Family, name: str) -> None:
    device = await family.at(name)
    bob = family.people["bob"]
    for kind, fields in [
        (AddPerson, {"name": "Eve", "role": "member"}),
        (RenamePerson, {"person": bob, "name": "Eve"}),
        (RenameDevice, {"device": DEVICES["bob"], "name": "Eve's"}),
        (RevokeDevice, {"device": DEVICES["bob"]}),
        (ReadmitDevice, {"device": DEVICES["bob"]}),
        (OpenInvitation, {"person": bob, "method": "secret"}),
        (RevokeDevice, {"device": key_id(b"nobody's")}),
    ]:
        reply = await ask(device, kind, **fields)
        assert isinstance(reply, RequestRefused), kind
        assert reply.code == "not_allowed"
    assert family.house.household.invitations.current is None
    seen = await watch(await family.at("owner"))
    assert {p.name for p in seen.people} >= {"bob", "ann", "guest"}
    assert not any(d.revoked for d in seen.devices)


async def test_a_guest_changes_nothing_at_all(family: Family) -> None:
    guest = await family.at("guest")
    me, phone = family.people["guest"], DEVICES["guest"]
    for kind, fields in [
        (RenamePerson, {"person": me, "name": "Eve"}),
        (RenameDevice, {"device": phone, "name": "Eve's"}),
        (OpenInvitation, {"person": me, "method": "secret"}),
        (AnswerPairing, {"equal": True}),
    ]:
        assert (await ask(guest, kind, **fields)).code == "not_allowed"


async def test_a_member_keeps_their_own_devices(family: Family) -> None:
    ann = await family.at("ann")
    assert isinstance(await ask(ann, RenamePerson, person=family.people["ann"], name="Ann"), Done)
    opened = await ask(ann, OpenInvitation, person=family.people["ann"], method="secret")
    assert isinstance(opened, InvitationOpened)
    assert opened.home == family.house.household.home_id
    assert crockford.from_text(opened.secret or "", SECRET_BYTES) is not None
    assert isinstance(await ask(ann, CloseInvitation), Done)
    assert family.house.household.invitations.current is None


async def test_a_new_invitation_ends_the_one_before_and_its_host_is_told(family: Family) -> None:
    ann, owner = await family.at("ann"), await family.at("owner")
    first = await ask(ann, OpenInvitation, person=family.people["ann"], method="compare")
    assert first.secret is None
    await ask(owner, OpenInvitation, person=family.people["bob"], method="secret")
    assert (await ann.hear(InvitationEnded)).code == "pairing_closed"


async def test_an_invitation_ends_with_the_device_that_opened_it(family: Family) -> None:
    ann = await family.at("ann")
    await ask(ann, OpenInvitation, person=family.people["ann"], method="secret")
    ann.leave()
    while family.house.household.invitations.current is not None:
        await ann.idle()


async def test_nobody_asked_for_an_answer(family: Family) -> None:
    reply = await ask(await family.at("owner"), AnswerPairing, equal=True)
    assert (type(reply), reply.code) == (RequestRefused, "pairing_closed")


async def test_what_the_list_refuses_is_a_sentence(family: Family) -> None:
    owner = await family.at("owner")
    for kind, fields in [
        (RenameDevice, {"device": key_id(b"none"), "name": "x"}),
        (RevokeDevice, {"device": key_id(b"none")}),
        (ReadmitDevice, {"device": key_id(b"none")}),
        (RenamePerson, {"person": "nobody", "name": "x"}),
        (AddPerson, {"name": " \t ", "role": "guest"}),
        (OpenInvitation, {"person": "nobody", "method": "secret"}),
    ]:
        reply = await ask(owner, kind, **fields)
        assert isinstance(reply, RequestRefused), kind
        assert reply.code == "list_refused"
        assert reply.message.endswith(".")


async def test_before_hello_nothing_is_asked(family: Family) -> None:
    device = family.house.join(Asker(family.people["owner"], None))
    assert (await ask(device, WatchHousehold)).code == "not_ready"


async def test_a_removed_device_is_shown_and_comes_back_only_by_the_owner(family: Family) -> None:
    owner = await family.at("owner")
    await ask(owner, RevokeDevice, device=DEVICES["bob"])
    shown = await watch(owner)
    assert [d.id for d in shown.devices if d.revoked] == [DEVICES["bob"]]
    assert isinstance(await ask(owner, ReadmitDevice, device=DEVICES["bob"]), Done)
    while any(d.revoked for d in (await owner.hear(Household)).devices):
        pass


async def test_who_asks_for_another_code_is_not_told_that_the_one_before_is_over(
    family: Family,
) -> None:
    ann = await family.at("ann")
    for _ in range(2):
        await ask(ann, OpenInvitation, person=family.people["ann"], method="secret")
    await ask(ann, CloseInvitation)
    assert not any(isinstance(message, InvitationEnded) for message in ann.heard)
