"""What a device is sent, in which order, and from where it goes on."""

import asyncio
import itertools
import random

import pytest

from gpu_peer.chat.draft import FIRST_DELTAS
from gpu_peer.chat.feed import FAR_BEHIND, FETCHES, LIST_BYTES
from gpu_peer.storage.event_log import PAGE_BYTES, EventLog
from gpu_peer.storage.lineage import begin_new_log
from gpu_peer.storage.user_log import UserLog
from gpu_peer.uuid7 import uuid7
from protocol import VERSION, codec
from protocol.chat import (
    Acknowledged,
    AnswerEnded,
    ChangeSetting,
    ChatCreated,
    ChatDeleted,
    ChatError,
    ChatHead,
    ChatHistory,
    ChatList,
    ChatRenamed,
    CreateChat,
    DeleteChat,
    Delta,
    Draft,
    DraftSeen,
    Event,
    Events,
    FetchChat,
    FromHome,
    Hello,
    History,
    MessageWritten,
    MoveChat,
    RenameChat,
    Setting,
    Welcome,
)
from protocol.limits import MESSAGE_BYTES
from protocol.packing import unpack
from tests.gpu_peer.support.device import MemoryDevice, events_in
from tests.gpu_peer.support.house import House
from tests.gpu_peer.support.virtual_clock import VirtualClock


async def fill(house: House, messages: int, size: int = 6000, chat: str = "") -> str:
    """Write a chat of so many messages into Ann's log."""
    chat = chat or uuid7()

    def change(log: UserLog) -> None:
        log.make_chat(chat)
        log.append(ChatCreated(seq=0, at_ms=1, chat=chat, title="A chat"))
        for number in range(messages):
            text = random.Random(number).randbytes(size // 2).hex()
            log.append(MessageWritten(seq=0, at_ms=number, chat=chat, message=uuid7(), text=text))

    await house.store.run(lambda log: log.change("ann", None, change))
    house.home._changed("ann", await house.store.run(lambda log: log.head("ann")))
    return chat


async def all_of(house: House) -> list[Event]:
    """Give all of Ann's log as it is on disk."""

    def read(log: EventLog) -> list[Event]:
        bodies: list[bytes] = []
        after = 0
        while (page := log.page("ann", after)).bodies:
            bodies, after = bodies + page.bodies, page.last
        return [codec.event.decode(body) for body in bodies]

    return await house.store.run(read)


async def test_a_new_device_is_told_of_all_chats_and_then_the_past_the_newest_first(
    house: House,
) -> None:
    first, second = await fill(house, 60), await fill(house, 30)
    device = house.join("ann")
    device.say(Hello(version=VERSION))
    welcome = await device.next()
    assert isinstance(welcome, Welcome)
    assert (welcome.head, welcome.after, welcome.before) == (92, 92, 93)
    chats = await device.next()
    assert chats == ChatList(
        chats=[
            ChatHead(chat=first, title="A chat", folder=None, changed_ms=59),
            ChatHead(chat=second, title="A chat", folder=None, changed_ms=29),
        ]
    )
    pages: list[History] = []
    while not pages or pages[-1].first > 1:
        page = await device.next()
        assert isinstance(page, History)
        assert len(codec.encode(page)) < MESSAGE_BYTES
        assert page.last == (pages[-1].first if pages else welcome.before) - 1
        pages.append(page)
    assert len(pages) > 3
    unpacked = [unpack(page.packed) for page in pages]
    assert all(sum(len(codec.encode(e)) for e in events) <= PAGE_BYTES for events in unpacked)
    assert list(itertools.chain(*reversed(unpacked))) == await all_of(house)


async def test_a_device_goes_on_at_both_ends_from_where_it_was(house: House) -> None:
    chat = await fill(house, 60)
    before = house.join("ann")
    welcome = await before.greet()
    page = await before.hear(History)
    before.leave()
    await house.home.execute("ann", RenameChat(id=uuid7(), chat=chat, title="Meanwhile"))
    back = house.join("ann")
    again = await back.greet(log=welcome.log, after=welcome.after, before=page.first)
    assert (again.log, again.after, again.before) == (welcome.log, welcome.after, page.first)
    assert again.head == welcome.head + 1
    [renamed] = (await back.hear(Events)).events
    assert isinstance(renamed, ChatRenamed)
    rest = await back.past(page.first)
    assert [*rest, *unpack(page.packed), renamed] == await all_of(house)
    assert not any(isinstance(message, ChatList) for message in back.heard)


async def test_a_device_that_has_all_is_sent_nothing_but_what_happens(house: House) -> None:
    chat = await fill(house, 3)
    log = (await house.join("ann").greet()).log
    back = house.join("ann")
    await back.greet(log=log, after=4, before=1)
    await house.home.execute("ann", RenameChat(id=uuid7(), chat=chat, title="Now"))
    page = await back.next()
    assert isinstance(page, Events)
    assert page.upto == 5


@pytest.mark.parametrize(("after", "before", "same"), [(4, 1, False), (2, 4, True), (4, 0, True)])
async def test_a_device_of_another_log_or_with_impossible_numbers_begins_anew(
    house: House, after: int, before: int, same: bool
) -> None:
    await fill(house, 3)
    log = (await house.join("ann").greet()).log if same else uuid7()
    device = house.join("ann")
    device.say(Hello(version=VERSION, log=log, after=after, before=before))
    welcome = await device.hear(Welcome)
    assert (welcome.after, welcome.before) == (4, 5)
    assert isinstance(await device.next(), ChatList)
    assert [event.seq for event in await device.past(5)] == [1, 2, 3, 4]


async def test_a_device_is_told_how_much_of_an_older_log_is_in_this_one(house: House) -> None:
    await fill(house, 3)
    log = (await house.join("ann").greet()).log
    await house.store.run(lambda log: begin_new_log(log._db))
    await fill(house, 2)
    device = house.join("ann")
    device.say(Hello(version=VERSION, log=log, after=4, before=1))
    welcome = await device.hear(Welcome)
    assert welcome.log != log
    assert (welcome.common, welcome.head) == (4, 7)


async def test_an_older_copy_put_back_by_hand_is_noticed_by_who_has_seen_more(
    house: House,
) -> None:
    await fill(house, 3)
    log = (await house.home.read(lambda log: log.standing("ann"))).log
    await house.home.start()
    await fill(house, 1)
    device = house.join("ann")
    device.say(Hello(version=VERSION, log=log, after=5, before=1))
    welcome = await device.hear(Welcome)
    assert welcome.log != log
    assert (welcome.common, welcome.after, welcome.before) == (4, 6, 7)
    assert isinstance(await device.next(), ChatList)
    again = house.join("ann")
    again.say(Hello(version=VERSION, log=log, after=8, before=1))
    told = await again.hear(Welcome)
    assert (told.log, told.common) == (welcome.log, 4)


async def test_who_was_told_since_the_start_goes_on_in_the_same_log(house: House) -> None:
    await fill(house, 3)
    device = house.join("ann")
    log = (await device.greet()).log
    await fill(house, 1)
    assert (await device.hear(Events)).upto == 6
    back = await house.join("ann").greet(log=log, after=6, before=1)
    assert (back.log, back.after, back.before) == (log, 6, 1)


async def test_who_has_no_log_yet_has_its_name_already(house: House) -> None:
    device = house.join("ann")
    welcome = await device.greet()
    assert (welcome.head, welcome.after, welcome.before) == (0, 0, 1)
    back = house.join("ann")
    assert (await back.greet(log=welcome.log, after=0, before=1)).log == welcome.log
    stranger = await house.join("bob").greet()
    assert stranger.log != welcome.log
    await device.create_chat()
    assert isinstance((await back.next()), Events)


async def test_a_long_absence_is_made_up_for_in_packed_pages_and_then_live(house: House) -> None:
    log = (await house.join("ann").greet()).log
    chat = await fill(house, 60)
    device = house.join("ann")
    await device.greet(log=log, after=0, before=1)
    pages = [await device.hear(History)]
    while pages[-1].last < 61:
        page = await device.next()
        if isinstance(page, Events):
            assert (pages[-1].last, page.upto) == (page.events[0].seq - 1, 61)
            break
        assert isinstance(page, History)
        assert page.first == pages[-1].last + 1
        pages.append(page)
    assert pages[0].first == 1
    assert len(pages) > 1
    heard = [event for message in device.heard for event in events_in(message)]
    assert heard == await all_of(house)
    await house.home.execute("ann", RenameChat(id=uuid7(), chat=chat, title="Now"))
    assert isinstance((await device.hear(Events)).events[0], ChatRenamed)


class SlowDevice(MemoryDevice):
    """Takes a page of the past only when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.may = asyncio.Semaphore(0)

    async def send(self, message: FromHome) -> None:
        await super().send(message)
        if isinstance(message, History | ChatHistory):
            await self.may.acquire()


async def test_what_is_new_and_what_is_looked_at_goes_before_the_past(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await fill(house, 60)
    await fill(house, 60)
    monkeypatch.setattr("tests.gpu_peer.support.house.MemoryDevice", SlowDevice)
    device = house.join("ann")
    assert isinstance(device, SlowDevice)
    await device.greet()
    first = await device.next()
    assert isinstance(first, History)
    device.say(FetchChat(chat=old))
    await house.home.execute("ann", RenameChat(id=uuid7(), chat=old, title="Now"))
    device.may.release()
    assert isinstance(await device.next(), Events)
    fetched = [await device.next()]
    await house.home.execute("ann", RenameChat(id=uuid7(), chat=old, title="And now"))
    device.may.release()
    assert isinstance(await device.next(), Events)
    while not fetched[-1].complete:  # type: ignore[union-attr]
        fetched.append(await device.next())
        device.may.release()
    assert len(fetched) > 2
    of_chat = [event for message in fetched for event in events_in(message)]
    past = [e for e in await all_of(house) if getattr(e, "chat", "") == old]
    assert of_chat == past[:-1]  # the last came by itself
    device.may.release()
    going_on = await device.next()
    assert isinstance(going_on, History)
    assert going_on.last == first.first - 1


async def test_a_chat_that_is_not_there_is_empty_and_complete(house: House) -> None:
    device = house.join("ann")
    await device.greet()
    for head in (0, 4):
        unknown = uuid7()
        device.say(FetchChat(chat=unknown))
        page = await device.hear(ChatHistory)
        assert (page.chat, unpack(page.packed), page.complete) == (unknown, [], True)
        if head == 0:
            await fill(house, 3)
            await device.hear(Events)


async def test_only_so_many_chats_can_be_asked_for_at_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.gpu_peer.support.house.MemoryDevice", SlowDevice)
    device = house.join("ann")
    await device.greet()
    for _ in range(FETCHES + 1):
        device.say(FetchChat(chat=uuid7()))
    assert (await device.hear(ChatError)).code == "rate_limited"


async def test_pages_bridge_what_was_deleted(house: House) -> None:
    log = (await house.join("ann").greet()).log
    chats = [await fill(house, 30) for _ in range(3)]
    for chat in chats[::2]:
        await house.home.execute("ann", DeleteChat(id=uuid7(), chat=chat))
    device = house.join("ann")
    welcome = await device.greet()
    assert welcome.head == 95
    events = await device.past(welcome.before)
    assert events == await all_of(house)
    assert [event.seq for event in events] == [*range(32, 63), 94, 95]
    assert [type(event) for event in events[-2:]] == [ChatDeleted, ChatDeleted]
    back = house.join("ann")
    await back.greet(log=log, after=0, before=1)
    page = await back.next()
    while not (isinstance(page, Events) and page.upto == 95):
        page = await back.next()
    assert [e for message in back.heard for e in events_in(message)] == events


async def test_the_list_of_chats_comes_in_parts_and_says_what_a_list_shows(house: House) -> None:
    names = {uuid7(): f"Чат {number} " + "я" * 190 for number in range(400)}

    def change(log: UserLog) -> None:
        for number, (chat, title) in enumerate(names.items()):
            log.make_chat(chat)
            log.append(ChatCreated(seq=0, at_ms=number, chat=chat, title=title))

    await house.store.run(lambda log: log.change("ann", None, change))
    some = next(iter(names))
    for command in (
        MoveChat(id=uuid7(), chat=some, folder="Work"),
        RenameChat(id=uuid7(), chat=some, title="Other"),
    ):
        await house.home.execute("ann", command)
    device = house.join("ann")
    device.say(Hello(version=VERSION))
    await device.hear(Welcome)
    parts = []
    while isinstance(message := await device.next(), ChatList):
        assert sum(len(codec.encode(chat)) for chat in message.chats) <= LIST_BYTES
        parts.append(message.chats)
    assert len(parts) > 2
    chats = [chat for part in parts for chat in part]
    assert {chat.chat: chat.title for chat in chats} == {**names, some: "Other"}
    assert [chat.changed_ms for chat in chats] == list(range(399, -1, -1))
    assert [chat.chat for chat in chats if chat.folder == "Work"] == [some]


async def test_what_a_person_chose_is_in_every_welcome(house: House) -> None:
    device = house.join("ann")
    welcome = await device.greet()
    assert welcome.settings == []
    for value in ("ru", "en"):
        device.say(ChangeSetting(id=uuid7(), name="language", value=value))
        await device.hear(Acknowledged)
    device.say(ChangeSetting(id=uuid7(), name="appearance", value="dark"))
    await device.hear(Acknowledged)
    device.say(ChangeSetting(id=uuid7(), name="appearance", value=None))
    await device.hear(Acknowledged)
    again = await house.join("ann").greet(log=welcome.log, after=0, before=1)
    assert again.settings == [Setting(name="language", value="en")]
    assert (await house.join("bob").greet()).settings == []


async def asked(house: House) -> tuple[MemoryDevice, str, int]:
    """Give a device, an answer that runs, and the number of its beginning."""
    device = house.join("ann")
    await device.greet()
    begun = await device.ask(await device.create_chat(), "Go")
    await house.engine.submitted()
    return device, begun.answer, begun.seq


async def test_a_device_that_has_the_beginning_of_an_answer_gets_what_it_missed(
    house: House, clock: VirtualClock
) -> None:
    first, answer, seq = await asked(house)
    log = (await house.join("ann").greet()).log
    for number in range(FIRST_DELTAS):
        house.engine.say(answer, f"{number} ")
    while (await first.hear(Delta)).index < FIRST_DELTAS - 1:
        pass
    back = house.join("ann")
    seen = [DraftSeen(answer=answer, index=5)]
    await back.greet(log=log, after=seq, before=1, drafts=seen)
    missed = [await back.next() for _ in range(3)]
    assert [(d.index, d.text) for d in missed if isinstance(d, Delta)] == [
        (5, "5 "),
        (6, "6 "),
        (7, "7 "),
    ]
    house.engine.end(answer)
    assert (await back.event(AnswerEnded)).text == "0 1 2 3 4 5 6 7 "
    assert not any(isinstance(message, Draft) for message in back.heard)


@pytest.mark.parametrize("index", [None, FAR_BEHIND + 20, 0])
async def test_a_device_with_another_beginning_or_too_little_of_it_gets_the_whole(
    house: House, clock: VirtualClock, index: int | None
) -> None:
    _, answer, seq = await asked(house)
    log = (await house.join("ann").greet()).log
    for number in range(FAR_BEHIND + 5):
        house.engine.say(answer, f"{number} ")
        clock.advance(1)
    back = house.join("ann")
    seen = [] if index is None else [DraftSeen(answer=answer, index=index)]
    await back.greet(log=log, after=seq, before=1, drafts=seen)
    draft = await back.next()
    assert isinstance(draft, Draft)
    assert draft.index == FAR_BEHIND + 5
    assert draft.text.endswith(f"{FAR_BEHIND + 4} ")


async def test_five_devices_are_told_the_same_in_the_same_order(house: House) -> None:
    devices = [house.join("ann") for _ in range(5)]
    for device in devices:
        await device.greet()
    for number, device in enumerate(devices * 3):
        device.say(CreateChat(id=uuid7(), chat=uuid7(), title=f"{number}"))
    told = []
    for device in devices:
        while sum(len(events_in(message)) for message in device.heard) < 15:
            await device.next()
        told.append([event for message in device.heard for event in events_in(message)])
    assert told == [await all_of(house)] * 5
