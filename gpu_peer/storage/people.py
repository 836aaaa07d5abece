"""People and their paired devices: who may speak with this home, and as whom."""

import re
import secrets
import sqlite3
from dataclasses import dataclass
from typing import Any, Literal

from gpu_peer.errors import DeviceOfAnother, DeviceWasRemoved, ListRefused
from gpu_peer.storage.database import transaction
from protocol.transcript import key_id

Role = Literal["owner", "member", "guest"]
"""One person is the owner. Of a guest no history is to be kept."""

Algorithm = Literal["ed25519", "p256"]

NAME_CHARS = 64

_UNWRITABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
"""Control characters, and halves of characters, which have no UTF-8."""

_ALGORITHMS: dict[int, Algorithm] = {32: "ed25519", 65: "p256"}
_PERSON = "id, name, role, made_ms"
_DEVICE = "id, key, algorithm, person, name, paired_ms, seen_ms, road, revoked, revoked_ms"


@dataclass(frozen=True)
class Person:
    """Somebody who has devices here. Times are Unix time in milliseconds.

    Attributes:
        id: Also the name of the person's log.
        name: For people to read; 1 to 64 characters.
    """

    id: str
    name: str
    role: Role
    made_ms: int


@dataclass(frozen=True)
class PairedDevice:
    """A device as the list shows it. Times are Unix time in milliseconds.

    Attributes:
        id: 32 hexadecimal digits, derived from the key.
        key: The public key: Ed25519, 32 bytes, or P-256, 65 bytes uncompressed.
        person: The id of whose it is.
        seen_ms: When it was last connected, and by which `road`; None before the first time.
        revoked: It was removed, and is let in no more.
        revoked_ms: When it was last removed; stays when it is paired again.
    """

    id: str
    key: bytes
    algorithm: Algorithm
    person: str
    name: str
    paired_ms: int
    seen_ms: int | None
    road: str | None
    revoked: bool
    revoked_ms: int | None


class People:
    """All people and devices. Every method is one transaction; none waits for anything else."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add_person(
        self,
        name: str,
        now_ms: int,
        *,
        role: Literal["member", "guest"] = "member",
        log: str | None = None,
    ) -> Person:
        """Make a person. The first one is the owner, whatever `role` says.

        Args:
            name: For people to read.
            now_ms: Unix time in milliseconds.
            role: Of all but the first.
            log: One of `logs_without_person`, which becomes this person's. Where it is not given,
                the first person takes the only one that there is.

        Raises:
            ListRefused: the name is too short or too long, or the log is not to be had.
        """
        name = _clean(name)
        with transaction(self._db):
            first = self._db.execute("SELECT 1 FROM people").fetchone() is None
            free = self.logs_without_person()
            if log is not None and log not in free:
                raise ListRefused("These chats are not there or belong to somebody. Choose others.")
            if log is None and first and len(free) == 1:
                log = free[0]
            person = Person(log or secrets.token_hex(16), name, "owner" if first else role, now_ms)
            values = (person.id, person.name, person.role, person.made_ms)
            self._db.execute(f"INSERT INTO people ({_PERSON}) VALUES (?, ?, ?, ?)", values)  # noqa: S608 - names of columns
        return person

    def rename_person(self, person: str, name: str) -> Person:
        """Give a person another name.

        Raises:
            ListRefused: nobody of that id, or no name of the right length.
        """
        with transaction(self._db):
            self._db.execute("UPDATE people SET name = ? WHERE id = ?", (_clean(name), person))
            query = f"SELECT {_PERSON} FROM people WHERE id = ?"  # noqa: S608 - as above
            row = self._db.execute(query, (person,)).fetchone()
        if row is None:
            raise ListRefused("There is no such person in this home. Choose another.")
        return Person(*row)

    def people(self) -> list[Person]:
        """Give everybody, the oldest first."""
        rows = self._db.execute(f"SELECT {_PERSON} FROM people ORDER BY made_ms, id")  # noqa: S608 - as above
        return [Person(*row) for row in rows]

    def logs_without_person(self) -> list[str]:
        """Give the logs that nobody has: those of accounts, from before devices were paired."""
        rows = self._db.execute(
            "SELECT id FROM users WHERE id NOT IN (SELECT id FROM people) ORDER BY id"
        )
        return [log for (log,) in rows]

    def register(
        self, key: bytes, name: str, person: str, now_ms: int, *, readmit: bool = False
    ) -> PairedDevice:
        """Write down a device that was paired just now.

        The same key again, for the same person, changes the name and nothing else. A key that was
        removed comes back only where `readmit` says that this was asked and answered; it may then
        be another person's, and 'last seen' begins anew.

        Raises:
            DeviceOfAnother: the key is another person's, and not removed.
            DeviceWasRemoved: the key was removed, and `readmit` is false.
            ListRefused: no such person, no such kind of key, or no name of the right length.
        """
        name, algorithm = _clean(name), _ALGORITHMS.get(len(key))
        if algorithm is None:
            raise ListRefused("This is not a key of a device. Pair it again.")
        with transaction(self._db):
            if not self._has_person(person):
                raise ListRefused("There is no such person in this home. Choose another.")
            known = self._find(key_id(key))
            if known is not None and known.revoked and not readmit:
                raise DeviceWasRemoved(
                    f"This device was removed from this home as '{known.name}'. "
                    "Say that it may come back, or leave it out."
                )
            if known is not None and not known.revoked and known.person != person:
                raise DeviceOfAnother(
                    f"This device is paired as somebody else's, as '{known.name}'. "
                    "Remove it there before."
                )
            if known is None:
                self._db.execute(
                    "INSERT INTO devices (id, key, algorithm, person, name, paired_ms)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (key_id(key), key, algorithm, person, name, now_ms),
                )
            elif known.revoked:
                self._db.execute(
                    "UPDATE devices SET person = ?, name = ?, paired_ms = ?, seen_ms = NULL,"
                    " road = NULL, revoked = 0 WHERE id = ?",
                    (person, name, now_ms, known.id),
                )
            else:
                self._db.execute("UPDATE devices SET name = ? WHERE id = ?", (name, known.id))
            return self._get(key_id(key))

    def rename(self, device: str, name: str) -> PairedDevice:
        """Give a device another name.

        Raises:
            ListRefused: no such device, or no name of the right length.
        """
        with transaction(self._db):
            self._db.execute("UPDATE devices SET name = ? WHERE id = ?", (_clean(name), device))
            return self._get(device)

    def readmit(self, device: str, now_ms: int) -> PairedDevice:
        """Let a removed device back in. Of one that is in, nothing changes.

        Raises:
            ListRefused: no such device.
        """
        with transaction(self._db):
            known = self._get(device)
        return self.register(known.key, known.name, known.person, now_ms, readmit=True)

    def revoke(self, device: str, now_ms: int) -> PairedDevice:
        """Remove a device, for good: its row stays. Once more changes nothing.

        Raises:
            ListRefused: no such device.
        """
        with transaction(self._db):
            self._db.execute(
                "UPDATE devices SET revoked = 1, revoked_ms = ? WHERE id = ? AND NOT revoked",
                (now_ms, device),
            )
            self._db.execute("DELETE FROM lan_credentials WHERE device = ?", (device,))
            return self._get(device)

    def seen(self, device: str, road: str, now_ms: int) -> None:
        """Remember when a device was last connected and how; of an unknown one, nothing."""
        with transaction(self._db):
            self._db.execute(
                "UPDATE devices SET seen_ms = ?, road = ? WHERE id = ?", (now_ms, road, device)
            )

    def devices(self, person: str | None = None) -> list[PairedDevice]:
        """Give the person's devices, or all, the oldest first, those removed among them."""
        where, values = ("", ()) if person is None else (" WHERE person = ?", (person,))
        query = f"SELECT {_DEVICE} FROM devices{where} ORDER BY paired_ms, id"  # noqa: S608 - as above
        return [_device(row) for row in self._db.execute(query, values)]

    def _has_person(self, person: str) -> bool:
        found = self._db.execute("SELECT 1 FROM people WHERE id = ?", (person,)).fetchone()
        return found is not None

    def _find(self, device: str) -> PairedDevice | None:
        query = f"SELECT {_DEVICE} FROM devices WHERE id = ?"  # noqa: S608 - as above
        row = self._db.execute(query, (device,)).fetchone()
        return None if row is None else _device(row)

    def _get(self, device: str) -> PairedDevice:
        if (found := self._find(device)) is None:
            raise ListRefused("This device is not in the list. Load the list again.")
        return found


def _device(row: tuple[Any, ...]) -> PairedDevice:
    *most, revoked, revoked_ms = row
    return PairedDevice(*(*most, bool(revoked), revoked_ms))


def _clean(name: str) -> str:
    stripped = name.strip()
    if not 1 <= len(stripped) <= NAME_CHARS or _UNWRITABLE.search(stripped):
        raise ListRefused(f"A name is one line of 1 to {NAME_CHARS} characters. Choose another.")
    return stripped
