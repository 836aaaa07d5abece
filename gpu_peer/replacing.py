"""Puts a home in the place of the one that is there, in steps between which the process may end.

What is to come is made beside, whole, and gets a name of its own once it is on the disk. From then
on it is decided: who holds the folder next finishes it.
"""

import secrets
import shutil
from pathlib import Path

from gpu_peer.disk import to_disk
from gpu_peer.key_file import written_whole
from gpu_peer.storage.backups import Backups, backup_errors

CHATS = "chats.sqlite3"
KEYS = ("dtls.pem", "identity.pem")
BESIDE_CHATS = (f"{CHATS}-wal", f"{CHATS}-shm")
"""What SQLite has not yet moved into the file. With another file it would be taken for its own."""

HALF = ".restoring-"
"""Begins the names of folders in which something is made that is not whole yet."""

_COMING, _BEFORE = ".coming-", "replaced-"


def put(made: Path, folder: Path) -> Path | None:
    """Move a home, a folder of its chats and keys on the same disk, into `folder`.

    Gives the folder to which what was there before was moved.

    Raises:
        OSError: the system refused.
    """
    for name in (CHATS, *KEYS):
        to_disk(made / name)
    to_disk(made)
    coming = folder / f"{_COMING}{secrets.token_hex(4)}"
    made.replace(coming)
    to_disk(folder)
    return _finish(coming, folder)


def tidy(folder: Path) -> None:
    """Finish what a process had decided that was ended, and drop what it had not.

    Raises:
        BackupFailed: the system refused.
    """
    with backup_errors(f"The backup cannot be put into {folder}"):
        for coming in folder.glob(f"{_COMING}*"):
            _finish(coming, folder)
        for half in folder.glob(f"{HALF}*"):
            shutil.rmtree(half)


def _finish(coming: Path, folder: Path) -> Path | None:
    before = folder / coming.name.replace(_COMING, _BEFORE)
    for name in (CHATS, *KEYS):
        if (coming / name).exists():
            _set_aside(name, folder, before)
            (coming / name).replace(folder / name)
    to_disk(folder)
    shutil.rmtree(coming)
    return before if before.exists() else None


def _set_aside(name: str, folder: Path, before: Path) -> None:
    names = (*BESIDE_CHATS, CHATS) if name == CHATS else (name,)
    there = [folder / one for one in names if (folder / one).exists()]
    # The copies that a home makes by itself are of that home.
    if name == CHATS and (kept := Backups(folder / CHATS).folder).exists():
        there.append(kept)
    for file in there:
        before.mkdir(mode=0o700, exist_ok=True)
        if name in KEYS:  # which is never missing, or whoever looks for it would make another
            with written_whole(before / name) as copy:
                copy.write(file.read_bytes())
        else:
            file.replace(before / file.name)
