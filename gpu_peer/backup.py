"""Takes a home to another disk: its key, its certificate, people, devices and chats in one file."""

import datetime
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gpu_peer.archive import pack, unpack
from gpu_peer.carried_over import carry_over
from gpu_peer.errors import BackupFailed, KeyUnreadable, StorageDamaged
from gpu_peer.identity import load_identity
from gpu_peer.replacing import BESIDE_CHATS, CHATS, HALF, KEYS, put
from gpu_peer.storage.backups import backup_errors
from gpu_peer.storage.database import copy_database, open_database
from gpu_peer.storage.people import People
from gpu_peer.transports.certificate import load_certificate


@dataclass(frozen=True)
class Contents:
    """What a backup has in it."""

    home: str
    made_ms: int
    people: int
    devices: int

    def as_text(self) -> str:
        """Say it."""
        made = datetime.datetime.fromtimestamp(self.made_ms / 1000, datetime.UTC)
        return (
            f"Home {self.home}, {made:%Y-%m-%d %H:%M} UTC. "
            f"People: {self.people}, devices: {self.devices}."
        )


def backup(folder: Path, archive: Path) -> Contents:
    """Write the home in `folder` to a new file. A home that runs goes on meanwhile.

    Raises:
        BackupFailed: there is no home, the file is there already, or the system refused.
        KeyUnreadable: a key is damaged.
        StorageError: the chats are damaged or cannot be read.
    """
    if missing := [name for name in (*KEYS, CHATS) if not (folder / name).exists()]:
        raise BackupFailed(f"There is no {missing[0]} in {folder}. Start the home once before.")
    home = load_identity(folder).home_id
    load_certificate(folder)
    try:
        # Beside the archive, where there is to be room for it. Only its user may read it.
        with tempfile.TemporaryDirectory(prefix=".hearth-", dir=archive.parent) as beside:
            copy = Path(beside) / CHATS
            copy_database(folder / CHATS, copy)
            contents = _contents(copy, home, time.time_ns() // 1_000_000)
            files = {name: folder / name for name in KEYS} | {CHATS: copy}
            pack(archive, files, home, contents.made_ms)
            return contents
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise BackupFailed(f"The backup {archive} cannot be written: {why}.") from None


def restore(folder: Path, archive: Path, *, replace: bool) -> tuple[Contents, Path | None]:
    """Put a backup into `folder`, which the caller holds for itself. Checked whole before.

    Gives what it had, and the folder to which what was there before was moved.

    Raises:
        BackupFailed: it is not a whole backup, there is a home and not `replace`, or the system
            refused.
    """
    there = [name for name in (*KEYS, CHATS, *BESIDE_CHATS) if (folder / name).exists()]
    if there and not replace:
        raise BackupFailed(
            f"There is a home in {folder} already, which its devices know. "
            "To put the backup in its place, add --replace."
        )
    with (
        backup_errors(f"The backup cannot be put into {folder}"),
        tempfile.TemporaryDirectory(prefix=HALF, dir=folder) as beside,
    ):
        made = Path(beside) / "home"
        made.mkdir()
        contents = _checked(archive, made)
        carry_over(folder / CHATS, made / CHATS, time.time_ns() // 1_000_000)
        return contents, put(made, folder)


def _checked(archive: Path, beside: Path) -> Contents:
    manifest = unpack(archive, beside, frozenset((*KEYS, CHATS)))
    try:
        home = load_identity(beside).home_id
        load_certificate(beside)
        contents = _contents(beside / CHATS, home, manifest.made_ms)
    except KeyUnreadable:
        raise BackupFailed(f"The keys in {archive} are damaged. Take another backup.") from None
    except StorageDamaged:
        raise BackupFailed(
            f"The chats in {archive} are damaged, or of a newer Hearth. "
            "Update this one, or take another backup."
        ) from None
    if home != manifest.home:
        raise BackupFailed(f"The key in {archive} is not that of its home. Take another backup.")
    return contents


def _contents(chats: Path, home: str, made_ms: int) -> Contents:
    """Count, in a file of its own that is brought to the newest schema and left without a log."""
    with closing(open_database(chats)) as db:
        people = People(db)
        contents = Contents(home, made_ms, len(people.people()), len(people.devices()))
        db.execute("PRAGMA journal_mode = DELETE")
    return contents
