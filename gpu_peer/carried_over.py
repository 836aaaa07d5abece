"""What an older copy of the chats must not undo, when it takes the place of newer ones."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from gpu_peer.errors import StorageDamaged, StorageError
from gpu_peer.storage.database import open_database
from gpu_peer.storage.deleted import Chats, deleted_chats, erase_chats
from gpu_peer.storage.lineage import Lineage, begin_new_log, lineage
from gpu_peer.storage.people import PairedDevice, People

T = TypeVar("T")


def carry_over(before: Path, chats: Path, now_ms: int) -> None:
    """Prepare a copy, a file of its own, for the place of `before`.

    Its logs get new ids, so that devices load them anew. What `before` still says of removed
    devices and deleted chats holds in the copy too; a damaged file may say it no more.

    Raises:
        StorageDamaged: the copy is not sound.
        StorageFailed: the system refused.
    """
    removed: list[PairedDevice] = _of(before, lambda db: People(db).devices(), [])
    deleted: Chats = _of(before, deleted_chats, set())
    replaced: Lineage = _of(before, lineage, {})
    with closing(open_database(chats)) as db:
        people = People(db)
        known = {device.id for device in people.devices()}
        for device in removed:
            if device.revoked and device.id in known:
                people.revoke(device.id, device.revoked_ms or 0)
        begin_new_log(db, replaced)
        erase_chats(db, deleted, now_ms)
        db.execute("PRAGMA journal_mode = DELETE")


def _of(before: Path, read: Callable[[sqlite3.Connection], T], unreadable: T) -> T:
    """Read as much as can be read of what was there before."""
    if not before.exists():
        return unreadable
    try:
        with closing(_opened(before)) as db:
            return read(db)
    except (StorageError, sqlite3.Error):
        return unreadable


def _opened(before: Path) -> sqlite3.Connection:
    try:
        return open_database(before)
    except StorageDamaged:  # another page of it may be whole
        return sqlite3.connect(f"{before.absolute().as_uri()}?mode=ro", uri=True)
