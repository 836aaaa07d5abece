"""A database of every earlier schema is brought to this one, and nothing in it is lost."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gpu_peer.storage.database import MIGRATIONS, open_database
from gpu_peer.storage.event_log import EventLog
from gpu_peer.storage.lineage import begin_new_log
from gpu_peer.storage.user_log import UserLog
from gpu_peer.uuid7 import uuid7
from protocol.chat import ChatHead, MessageWritten
from tests.gpu_peer.support.chats import say

WITHOUT_REPLICAS = range(1, 4)
"""The schemas from before devices kept replicas."""

CHAT, OTHER, GONE = uuid7(), uuid7(), uuid7()
FIRST, SECOND, THIRD, ALONE = uuid7(), uuid7(), uuid7(), uuid7()
ANSWER, OPEN = uuid7(), uuid7()

# As the first version wrote them: without `parent`, `folder`, `cut` and `continues`.
EVENTS = [
    {"type": "chat_created", "at_ms": 10, "chat": CHAT, "title": "Once"},
    {"type": "message_written", "at_ms": 20, "chat": CHAT, "message": FIRST, "text": "Привет"},
    {"type": "chat_created", "at_ms": 21, "chat": OTHER, "title": 'Their "own"\n'},
    {
        "type": "answer_begun",
        "at_ms": 30,
        "chat": CHAT,
        "message": FIRST,
        "answer": ANSWER,
        "model": "m",
    },
    {
        "type": "answer_ended",
        "at_ms": 40,
        "chat": CHAT,
        "answer": ANSWER,
        "reason": "stop",
        "text": "Hi 🙂",
        "timings": {
            "prompt_tokens": 1,
            "completion_tokens": 2,
            "first_token_ms": 0.5,
            "tokens_per_s": 9.0,
        },
    },
    {"type": "message_written", "at_ms": 45, "chat": OTHER, "message": ALONE, "text": "?"},
    {"type": "message_written", "at_ms": 50, "chat": CHAT, "message": SECOND, "text": "More"},
    {"type": "chat_renamed", "at_ms": 99, "chat": CHAT, "title": "Всё"},
    None,  # the deleted chat's
    {"type": "chat_deleted", "at_ms": 60, "chat": GONE},
    {"type": "message_written", "at_ms": 70, "chat": CHAT, "message": THIRD, "text": "x" * 9000},
    {
        "type": "answer_begun",
        "at_ms": 71,
        "chat": CHAT,
        "message": THIRD,
        "answer": OPEN,
        "model": "m",
    },
]


def older(path: Path, schema: int, steps: Path) -> None:
    """Make a database of that schema, with a log, a command and a running answer."""
    for file in sorted(MIGRATIONS.glob("*.sql"))[:schema]:
        steps.mkdir(exist_ok=True)
        shutil.copy(file, steps)
    with closing(open_database(path, steps)) as db:
        db.execute("INSERT INTO users VALUES ('ann', ?)", (len(EVENTS),))
        db.execute("INSERT INTO users VALUES ('bob', 0)")
        for chat, deleted in ((CHAT, 0), (OTHER, 0), (GONE, 1)):
            db.execute("INSERT INTO chats VALUES ('ann', ?, ?)", (chat, deleted))
        for seq, event in enumerate(EVENTS, 1):
            if event is not None:
                body = json.dumps({**event, "seq": seq}, ensure_ascii=False).encode()
                row = (seq, event["chat"], event["type"], event.get("message"), event.get("answer"))
                db.execute("INSERT INTO events VALUES ('ann', ?, ?, ?, ?, ?, ?)", (*row, body))
        db.execute("INSERT INTO commands VALUES ('ann', 'command', 12)")
        db.execute("INSERT INTO drafts VALUES ('ann', ?, ?, 'Half')", (CHAT, OPEN))
        if schema >= 2:
            db.execute("INSERT INTO people VALUES ('ann', 'Ann', 'owner', 1)")


@pytest.mark.parametrize("schema", WITHOUT_REPLICAS)
def test_every_earlier_schema_is_brought_here_with_all_that_is_in_it(
    schema: int, tmp_path: Path
) -> None:
    path = tmp_path / "chats.sqlite3"
    older(path, schema, tmp_path / "steps")
    kept = ("SELECT user, seq, chat, type, message, answer, body FROM events ORDER BY seq",)
    kept += ("SELECT * FROM commands", "SELECT * FROM drafts", "SELECT id, head FROM users")
    kept += ("SELECT user, id, deleted FROM chats",)
    with closing(sqlite3.connect(path)) as db:
        before = [db.execute(query).fetchall() for query in kept]
    assert len(before[0]) == 11
    with closing(open_database(path)) as db:
        assert [db.execute(query).fetchall() for query in kept] == before
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        if schema >= 2:
            assert db.execute("SELECT id FROM people").fetchall() == [("ann",)]
        log = EventLog(db)
        assert log.chats("ann") == [
            ChatHead(chat=CHAT, title="Всё", folder=None, changed_ms=71),
            ChatHead(chat=OTHER, title='Their "own"\n', folder=None, changed_ms=45),
        ]
        assert db.execute("SELECT title FROM chats WHERE deleted").fetchall() == [("",)]
        parents = {}

        def go_on(mine: UserLog) -> None:
            parents.update({m: mine.parent_of(m) for m in (FIRST, SECOND, THIRD, ALONE)})
            assert mine.close_draft(OPEN)
            mine.append(
                MessageWritten(seq=0, at_ms=80, chat=CHAT, message=uuid7(), text="y", parent=SECOND)
            )

        assert log.change("ann", "next", go_on).seq == len(EVENTS) + 1
        assert parents == {FIRST: CHAT, SECOND: FIRST, THIRD: SECOND, ALONE: OTHER}
        assert log.change("ann", "command", go_on).repeated
        assert log.chats("ann")[0].changed_ms == 80


def test_one_from_before_logs_were_replaced_is_brought_here(tmp_path: Path) -> None:
    path, steps = tmp_path / "chats.sqlite3", tmp_path / "steps"
    steps.mkdir()
    for file in sorted(MIGRATIONS.glob("*.sql"))[:4]:
        shutil.copy(file, steps)
    with closing(open_database(path, steps)) as db:
        say(db, "Kept")
        log = EventLog(db).standing("ann").log
        kept = list(db.iterdump())
    with closing(open_database(path)) as db:
        assert set(kept) - set(db.iterdump()) == set()
        begin_new_log(db)
        assert EventLog(db).common("ann", log) == 2


def test_a_log_has_a_name_that_only_a_new_beginning_changes(tmp_path: Path) -> None:
    path = tmp_path / "chats.sqlite3"
    older(path, WITHOUT_REPLICAS[-1], tmp_path / "steps")
    names = []
    for _ in range(2):
        with closing(open_database(path)) as db:
            names.append([EventLog(db).standing(user).log for user in ("ann", "bob", "new")])
    assert names[0] == names[1]
    assert len(set(names[0])) == 3
    with closing(open_database(path)) as db:
        begin_new_log(db)
        standing = EventLog(db).standing("ann")
        assert standing.log not in names[0]
        assert standing.head == len(EVENTS)
        assert EventLog(db).standing("ann") == standing
