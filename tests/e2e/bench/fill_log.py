"""Fill the log of a home's owner with chats: `python fill_log.py FOLDER CHATS MESSAGES`.

Half of the messages are answers. What they say is made of words in English and Russian, common ones
often and rare ones seldom, so that a search has something to find; the same with each run. Prints
how many events and how many bytes of them there are.
"""

import random
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

from gpu_peer.chat.imports import import_turns
from gpu_peer.storage.database import open_database
from gpu_peer.storage.event_log import EventLog
from gpu_peer.storage.user_log import UserLog
from protocol.chat import ChatCreated, ImportedAnswer, ImportedTurn, ImportTurns

SYLLABLES = {
    "en": "ta ren lo mi sun ber dor wa pel ing ous gra ki no var the sto lin",
    "ru": "ко ра сто ви ной та ле про мир сне го ло вать ду ре чка бе пла",
}
WORDS = 20_000
SAID, ANSWERED = 12, 90
"""Words of a message, and of an answer."""

DAY_MS = 86_400_000
NOW_MS = 1_790_000_000_000


def vocabulary(chance: random.Random, language: str) -> list[str]:
    """Make words of one language."""
    syllables = SYLLABLES[language].split()
    return ["".join(chance.choices(syllables, k=chance.randint(1, 4))) for _ in range(WORDS)]


class Author:
    """Says things."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # the same texts each time
        self.words = [vocabulary(self.chance, language) for language in SYLLABLES]
        self.weights = [1 / (rank + 3) for rank in range(WORDS)]

    def text(self, about: int) -> str:
        """Say something of about so many words."""
        words = self.chance.choice(self.words)
        count = self.chance.randint(about // 2, about * 3 // 2)
        return " ".join(self.chance.choices(words, self.weights, k=count))

    def id(self, at_ms: int) -> str:
        """Make a UUIDv7."""
        rest = self.chance.getrandbits(74)
        bits = at_ms << 80 | 7 << 76 | (rest >> 62) << 64 | 2 << 62 | rest & (1 << 62) - 1
        text = f"{bits:032x}"
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def fill(log: EventLog, user: str, chats: int, messages: int) -> None:
    """Write so many chats with so many messages in all."""
    author = Author(7)
    turns = messages // 2 // chats
    for number in range(chats):
        at_ms = NOW_MS - (chats - number) * DAY_MS
        chat = author.id(at_ms)
        created = ChatCreated(seq=0, at_ms=at_ms, chat=chat, title=author.text(4))
        said = list(conversation(author, chat, at_ms, turns))

        def write(
            mine: UserLog, created: ChatCreated = created, said: list[ImportedTurn] = said
        ) -> None:
            mine.make_chat(created.chat)
            mine.append(created)
            for start in range(0, len(said), 64):
                part = said[start : start + 64]
                command = ImportTurns(id=created.chat, chat=created.chat, turns=part)
                import_turns(command, mine, NOW_MS)

        log.change(user, None, write)


def conversation(author: Author, chat: str, at_ms: int, turns: int) -> Iterator[ImportedTurn]:
    """Give the turns of one chat, each after the one before it."""
    parent = chat
    for turn in range(turns):
        said_ms = at_ms + turn * 60_000
        message = author.id(said_ms)
        yield ImportedTurn(
            message=message,
            parent=parent,
            at_ms=said_ms,
            text=author.text(SAID),
            answer=ImportedAnswer(
                answer=author.id(said_ms + 1),
                at_ms=said_ms + 1,
                model="counting",
                text=author.text(ANSWERED),
            ),
        )
        parent = message


def main(folder: Path, chats: int, messages: int) -> None:
    """Fill the log of the owner in this folder."""
    db = open_database(folder / "chats.sqlite3")
    (owner,) = db.execute("SELECT id FROM people WHERE role = 'owner'").fetchone()
    db.execute("PRAGMA synchronous = OFF")
    fill(EventLog(db), owner, chats, messages)
    print(*count(db, owner))
    db.close()


def count(db: sqlite3.Connection, user: str) -> tuple[int, int]:
    """Give how many events a user has, and their bytes."""
    query = "SELECT count(*), sum(length(body)) FROM events WHERE user = ?"
    events, size = db.execute(query, (user,)).fetchone()
    return events, size


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
