"""Two people of one home: nothing that can be said to it yields what the other wrote.

Walks every message that the home understands, with every id that belongs to the other person. A new
kind of message that this test does not know how to say fails it.
"""

import itertools
from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import pytest

from gpu_peer.household.desk import Asker
from gpu_peer.uuid7 import uuid7
from protocol import VERSION, codec
from protocol.chat import (
    AnswerBegun,
    ChatHistory,
    CreateChat,
    DraftSeen,
    FetchChat,
    Hello,
    History,
    ImportedTurn,
    ToHome,
    Welcome,
)
from protocol.packing import unpack
from protocol.transcript import key_id
from tests.gpu_peer.support.device import MemoryDevice, events_in
from tests.gpu_peer.support.house import House
from tests.gpu_peer.support.trust import ed25519, public

SECRET = "the treasure is under the pear tree"
PHONE = public(ed25519("ann's phone"))

KINDS: list[type[msgspec.Struct]] = list(get_args(ToHome))


class Ann:
    """What Ann has: a chat, a message, an answer that runs, a device."""

    person: str
    chat: str
    log: str
    begun: AnswerBegun


@pytest.fixture
async def ann(house: House) -> Ann:
    ann = Ann()
    ann.person = await house.person("Ann")
    await house.household.devices.register(PHONE, "Ann's phone", ann.person, 1)
    device = house.join(ann.person)
    ann.log = (await device.greet()).log
    ann.chat = await device.create_chat(f"Chat: {SECRET}")
    ann.begun = await device.ask(ann.chat, SECRET)
    await house.engine.submitted()
    house.engine.say(ann.begun.answer, f"Yes, {SECRET}")
    return ann


def every_way_to_say(kind: type[msgspec.Struct], ann: Ann) -> Iterator[ToHome]:
    """Give the message with each of Ann's ids in each place that takes one."""
    turns = [(uuid7(), ann.begun.message), (uuid7(), ann.chat), (ann.begun.message, ann.chat)]
    choices: dict[str, list[Any]] = {
        "version": [VERSION],
        "log": [ann.log, None],
        "after": [0],
        "before": [1],
        "drafts": [[DraftSeen(answer=ann.begun.answer, index=0)]],
        "parent": [ann.chat, ann.begun.message, None],
        "replaces": [ann.begun.message],
        "folder": ["Mine"],
        "at_ms": [1],
        "value": ["ru", None],
        "turns": [
            [ImportedTurn(message=message, parent=parent, at_ms=1, text="Mine")]
            for message, parent in turns
        ],
        "sent_ms": [1],
        "id": [None],
        "chat": [ann.chat],
        "message": [ann.begun.message, None],
        "answer": [ann.begun.answer],
        "title": ["Mine"],
        "text": ["Show me"],
        "name": ["language"],
        "role": ["member"],
        "person": [ann.person],
        "device": [key_id(PHONE)],
        "method": ["secret", "compare"],
        "equal": [True],
    }
    names = kind.__struct_fields__
    for values in itertools.product(*(choices[name] for name in names)):
        fields = dict(zip(names, values, strict=True))
        made = {name: uuid7() for name in ("id", "message") if name in fields and not fields[name]}
        yield kind(**{**fields, **made})  # type: ignore[misc]


@pytest.mark.parametrize("role", ["owner", "member", "guest"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
async def test_no_message_yields_what_another_wrote(
    house: House, ann: Ann, kind: type[msgspec.Struct], role: str
) -> None:
    household = house.household
    other = household.owner
    if role != "owner":
        other = (await household.add_person("Bob", role)).id  # type: ignore[arg-type]
    device = house.join(Asker(other, None))
    await device.greet()
    for message in every_way_to_say(kind, ann):
        assert codec.to_home.decode(codec.encode(message)) == message
        device.say(message)
    house.engine.say(ann.begun.answer, f" and {SECRET}")
    house.engine.end(ann.begun.answer)
    heard = await all_of(device)
    assert SECRET not in str(heard)
    assert "Chat:" not in str(heard)
    fresh = house.join(Asker(other, None))
    drafts = [DraftSeen(answer=ann.begun.answer, index=0)]
    fresh.say(Hello(version=VERSION, log=ann.log, after=0, before=1, drafts=drafts))
    assert SECRET not in str(await all_of(fresh))


async def all_of(device: MemoryDevice) -> list[Any]:
    """Give all that the device hears, until nothing of it can be on its way.

    Events come in the order of the log, and running answers between them: behind two events of
    its own there is nothing left from before. The past comes beside them, down to the first.
    """
    for _ in range(2):
        fence = uuid7()
        device.say(CreateChat(id=uuid7(), chat=fence, title="A fence"))
        while fence not in str(events_in(await device.next())):
            pass
    [welcome] = [message for message in device.heard if isinstance(message, Welcome)]
    pages = [message.first for message in device.heard if isinstance(message, History)]
    if welcome.before > 1 and 1 not in pages:
        while (await device.hear(History)).first != 1:
            pass
    return [events_in(message) or message for message in device.heard]


async def test_what_ann_wrote_is_still_hers(house: House, ann: Ann) -> None:
    """The walk above proves nothing if there is nothing to find."""
    device = house.join(ann.person)
    device.say(Hello(version=VERSION))
    assert SECRET in str(await all_of(device))
    device.say(FetchChat(chat=ann.chat))
    assert SECRET in str(unpack((await device.hear(ChatHistory)).packed))
