"""What of a database's files a loss of power leaves: nothing is sure that was never synced.

A kill leaves all that a process wrote; a loss of power leaves what it had synced, and of what it
wrote since some blocks and not others. So SQLite is watched while it syncs: its own VFS, see
https://www.sqlite.org/vfs.html, is registered a second time with another `xSync` in each file.
"""

import _sqlite3
import ctypes
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

NAME = "synced"
"""What the VFS is called; `file:PATH?vfs=NAME` opens a database with it."""

BLOCK = 4096
"""So many bytes reach a disk together, or not at all."""

_OK = 0


class _Methods(ctypes.Structure):
    """The beginning of `sqlite3_io_methods`."""

    _fields_ = (
        ("iVersion", ctypes.c_int),
        *((name, ctypes.c_void_p) for name in ("xClose", "xRead", "xWrite", "xTruncate", "xSync")),
        ("others", ctypes.c_void_p * 13),
    )


class _File(ctypes.Structure):
    """The beginning of `sqlite3_file`."""

    _fields_ = (("pMethods", ctypes.POINTER(_Methods)),)


class _Vfs(ctypes.Structure):
    """`sqlite3_vfs`."""

    _fields_ = (
        ("iVersion", ctypes.c_int),
        ("szOsFile", ctypes.c_int),
        ("mxPathname", ctypes.c_int),
        ("pNext", ctypes.c_void_p),
        ("zName", ctypes.c_char_p),
        ("pAppData", ctypes.c_void_p),
        ("xOpen", ctypes.c_void_p),
        ("others", ctypes.c_void_p * 15),
    )


_Sync = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
_Open = ctypes.CFUNCTYPE(
    ctypes.c_int,
    *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p),
)

_watching: dict[str, Callable[[str], None]] = {}
_kept: list[Any] = []
"""What SQLite has pointers to."""


def register() -> bool:
    """Have SQLite know the VFS; false where it is built into Python so that it cannot be told."""
    if not _kept:
        library = ctypes.CDLL(getattr(_sqlite3, "__file__", None))
        if not hasattr(library, "sqlite3_vfs_find"):
            return False
        _register(library)
    return True


def watch(files: Iterable[str], synced: Callable[[str], None]) -> None:
    """Call `synced` with the file's path whenever one of these was synced, and of no others."""
    _watching.clear()
    _watching.update(dict.fromkeys(files, synced))


def _register(library: ctypes.CDLL) -> None:
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    default = library.sqlite3_vfs_find(None)
    mine = _Vfs.from_buffer_copy(default.contents)
    open_file = _Open(default.contents.xOpen)
    tables: dict[int, _Methods] = {}
    opened: dict[int, str] = {}

    def with_sync(methods: _Methods) -> _Methods:
        table = _Methods.from_buffer_copy(methods)
        sync = _Sync(methods.xSync)

        def watched(file: int, flags: int) -> int:
            status = sync(file, flags)
            if status == _OK and (synced := _watching.get(opened.get(file, ""))):
                synced(opened[file])
            return int(status)

        _kept.append(hook := _Sync(watched))
        table.xSync = ctypes.cast(hook, ctypes.c_void_p)
        return table

    def open_watched(vfs: int, name: int, file: int, flags: int, out: int) -> int:
        status = open_file(ctypes.addressof(default.contents), name, file, flags, out)
        opened.pop(file, None)
        if status == _OK and name:
            opened[file] = ctypes.string_at(name).decode()
            methods = ctypes.cast(file, ctypes.POINTER(_File)).contents
            address = ctypes.addressof(methods.pMethods.contents)
            if address not in tables:
                tables[address] = with_sync(methods.pMethods.contents)
            methods.pMethods = ctypes.pointer(tables[address])
        return int(status)

    hook = _Open(open_watched)
    mine.zName = NAME.encode()
    mine.xOpen = ctypes.cast(hook, ctypes.c_void_p)
    _kept.extend((library, default, mine, open_file, tables, hook))
    library.sqlite3_vfs_register(ctypes.byref(mine), 0)


class Synced:
    """The files of one database as they were when they were last synced."""

    def __init__(self, path: Path, random: Random) -> None:
        self._files = {str(path): bytearray(), f"{path}-wal": bytearray()}
        self._random = random
        self.take_all()

    @property
    def names(self) -> Iterable[str]:
        """Their paths: the database and its log."""
        return self._files

    def take_all(self) -> None:
        """Take all there is for synced."""
        for name, synced in self._files.items():
            file = Path(name)
            synced[:] = file.read_bytes() if file.exists() else b""

    def take(self, name: str) -> None:
        """One of the files was synced."""
        synced = self._files[name]
        # Closing it ends SQLite's own locks on the file, which nobody else here asks for.
        with open(name, "rb", buffering=0) as file:  # noqa: PTH123 - unbuffered, and often
            synced[:] = file.read()

    def left(self) -> dict[str, bytes]:
        """Give what the files have once the power was lost; what is not there stays away."""
        return {
            name: self._some(synced, Path(name).read_bytes())
            for name, synced in self._files.items()
            if Path(name).exists()
        }

    def _some(self, synced: bytearray, written: bytes) -> bytes:
        left = bytearray(synced)
        share = self._random.choice((0.0, 0.5, 0.9))
        for at in range(0, max(len(synced), len(written)), BLOCK):
            block = written[at : at + BLOCK]
            if block != synced[at : at + BLOCK] and self._random.random() < share:
                left.extend(bytes(max(0, at + len(block) - len(left))))
                left[at : at + len(block)] = block
        return bytes(left)
