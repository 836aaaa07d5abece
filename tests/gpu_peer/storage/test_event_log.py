"""The log as a state machine against a model: numbers grow, repeats change nothing, deleted is
gone from the file."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from gpu_peer.chat.commands import carry_out
from gpu_peer.chat.outcome import Circumstances
from gpu_peer.chat.plan import Plan
from gpu_peer.errors import PlanOutdated, Refused
from gpu_peer.storage.database import open_database
from gpu_peer.storage.event_log import PAGE_BYTES, EventLog, Page, Written
from gpu_peer.storage.user_log import UserLog
from gpu_peer.uuid7 import uuid7
from protocol import codec
from protocol.chat import (
    AnswerBegun,
    ChatCreated,
    ChatDeleted,
    Command,
    CreateChat,
    DeleteChat,
    Event,
    MessageWritten,
    RenameChat,
    SendMessage,
)

AROUND = Circumstances(now_ms=1, model="m", new_id=uuid7)
users = st.sampled_from(["ann", "bob"])


def execute(log: EventLog, user: str, command: Command) -> Written:
    def change(mine: UserLog) -> None:
        plan = Plan(mine.newest(getattr(command, "chat", "")), prompt=[], cut=None)
        carry_out(command, mine, replace(AROUND, plan=plan))

    return log.change(user, command.id, change)


def history(log: EventLog, user: str, after: int = 0) -> list[Event]:
    events: list[Event] = []
    while (page := log.page(user, after)).bodies:
        events += map(codec.event.decode, page.bodies)
        after = page.last
    return events


class Chats(RuleBasedStateMachine):
    """Random commands of two users, with a restart now and then."""

    chats = Bundle("chats")
    sent = Bundle("sent")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "chats.sqlite3"
        self.count = 0
        self.open()
        self.expected: dict[str, list[tuple[str, str]]] = {"ann": [], "bob": []}
        self.heads = {"ann": 0, "bob": 0}
        self.secrets: dict[tuple[str, str], list[str]] = {}
        self.gone: list[str] = []

    def open(self) -> None:
        self.db = open_database(self.path)
        self.log = EventLog(self.db)

    def secret(self) -> str:
        self.count += 1
        return f"secret-{self.count:06d}-" + "x" * (self.count * 997 % 9000)

    def execute(self, user: str, command: Command) -> Written:
        written = execute(self.log, user, command)
        assert not written.repeated
        assert written.seq > self.heads[user]
        self.heads[user] = written.seq
        return written

    @rule(target=chats, user=users)
    def create(self, user: str) -> tuple[str, str]:
        chat, title = uuid7(), self.secret()[:200]
        self.execute(user, CreateChat(id=uuid7(), chat=chat, title=title))
        self.expected[user].append((chat, title))
        self.secrets[user, chat] = [title[:13]]
        return user, chat

    @rule(target=sent, at=chats)
    def rename(self, at: tuple[str, str]) -> tuple[str, Command, Written]:
        user, chat = at
        title = self.secret()[:200]
        command = RenameChat(id=uuid7(), chat=chat, title=title)
        written = self.execute(user, command)
        self.expected[user].append((chat, title))
        self.secrets[user, chat].append(title[:13])
        return user, command, written

    @rule(target=sent, at=chats)
    def send(self, at: tuple[str, str]) -> tuple[str, Command, Written]:
        user, chat = at
        text = self.secret()
        command = SendMessage(id=uuid7(), chat=chat, message=uuid7(), text=text)
        written = self.execute(user, command)
        begun = history(self.log, user)[-1]
        assert isinstance(begun, AnswerBegun)
        self.log.save_draft(user, begun.answer, draft := self.secret())

        def end(mine: UserLog) -> None:
            assert mine.close_draft(begun.answer)

        self.log.change(user, None, end)
        self.expected[user] += [(chat, text), (chat, "begun")]
        self.secrets[user, chat] += [text[:13], draft[:13]]
        return user, command, written

    @rule(at=consumes(chats))
    def delete(self, at: tuple[str, str]) -> None:
        user, chat = at
        self.execute(user, DeleteChat(id=uuid7(), chat=chat))
        self.log.scrub()
        self.expected[user] = [e for e in self.expected[user] if e[0] != chat] + [(chat, "deleted")]
        self.gone += self.secrets.pop((user, chat))
        content = b"".join(file.read_bytes() for file in self.path.parent.iterdir())
        for secret in self.gone:
            assert secret.encode() not in content

    @rule(sent=sent)
    def repeat(self, sent: tuple[str, Command, Written]) -> None:
        user, command, written = sent
        assert execute(self.log, user, command) == Written(written.seq, repeated=True)

    @rule(at=chats, other=users)
    def trespass(self, at: tuple[str, str], other: str) -> None:
        owner, chat = at
        if owner == other:
            return
        with pytest.raises(Refused):
            execute(self.log, other, DeleteChat(id=uuid7(), chat=chat))

    @rule()
    def restart(self) -> None:
        self.db.close()
        self.open()

    @invariant()
    def the_log_is_what_was_done(self) -> None:
        for user, expected in self.expected.items():
            events = history(self.log, user)
            assert [(e.chat, said(e)) for e in events] == expected
            numbers = [event.seq for event in events]
            assert numbers == sorted(set(numbers))
            assert self.log.head(user) == self.heads[user] == max(numbers, default=0)

    def teardown(self) -> None:
        self.db.close()
        self.folder.cleanup()


def said(event: Event) -> str:
    match event:
        case MessageWritten():
            return event.text
        case ChatDeleted():
            return "deleted"
        case _:
            return getattr(event, "title", "begun")


TestChats = Chats.TestCase
TestChats.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    with closing(open_database(tmp_path / "chats.sqlite3")) as db:
        yield EventLog(db)


def numbers(page: Page) -> list[int]:
    return [codec.event.decode(body).seq for body in page.bodies]


def created(title: str = "t") -> ChatCreated:
    return ChatCreated(seq=0, at_ms=1, chat=uuid7(), title=title)


def test_what_a_change_raises_undoes_it(log: EventLog) -> None:
    def change(mine: UserLog) -> None:
        mine.make_chat(event.chat)
        mine.append(event)
        raise Refused("internal", "no")

    event = created()
    with pytest.raises(Refused):
        log.change("ann", "id", change)
    assert log.head("ann") == 0
    assert log.page("ann", 0).bodies == []
    assert not log.change("ann", "id", lambda mine: mine.make_chat(event.chat)).repeated


def test_a_page_is_full_but_never_empty(log: EventLog) -> None:
    chat = uuid7()
    sizes = [PAGE_BYTES + 1, 10, PAGE_BYTES // 2, PAGE_BYTES * 2 // 3, 10]

    def change(mine: UserLog) -> None:
        mine.make_chat(chat)
        for size in sizes:
            text = "x" * size
            mine.append(MessageWritten(seq=0, at_ms=1, chat=chat, message=uuid7(), text=text))

    log.change("ann", None, change)
    pages, after = [], 0
    while (page := log.page("ann", after)).bodies:
        pages.append(numbers(page))
        assert (page.first, page.last) == (after + 1, pages[-1][-1])
        after = page.last
    assert pages == [[1], [2, 3], [4, 5]]
    pages, before = [], 6
    while before > 1:
        page = log.past("ann", before)
        pages.append(numbers(page))
        assert page.last == before - 1
        before = page.first
    assert pages == [[4, 5], [2, 3], [1]]
    assert log.past("ann", 1) == Page([], 1, 0)


def test_events_on_disk_are_wire_events(log: EventLog, tmp_path: Path) -> None:
    event = created("Привет")

    def change(mine: UserLog) -> None:
        mine.make_chat(event.chat)
        mine.append(event)

    log.change("ann", None, change)
    with closing(sqlite3.connect(tmp_path / "chats.sqlite3")) as db:
        rows = db.execute("SELECT body FROM events").fetchall()
    assert [body for (body,) in rows] == log.page("ann", 0).bodies
    assert [codec.event.decode(body) for (body,) in rows] == [msgspec.structs.replace(event, seq=1)]


def test_an_answer_planned_before_something_came_to_the_chat_is_not_begun(log: EventLog) -> None:
    chat = uuid7()
    execute(log, "ann", CreateChat(id=uuid7(), chat=chat, title="t"))
    plan = Plan(after=log.events_of("ann", chat)[-1].seq, prompt=[], cut=None)
    execute(log, "ann", RenameChat(id=uuid7(), chat=chat, title="u"))
    command = SendMessage(id=uuid7(), chat=chat, message=uuid7(), text="x")
    for outdated in (plan, None):
        around = replace(AROUND, plan=outdated)
        with pytest.raises(PlanOutdated):
            log.change(
                "ann", command.id, lambda mine, around=around: carry_out(command, mine, around)
            )  # type: ignore[misc]
    assert log.head("ann") == 2
