"""The logs and the list of people and devices, on a thread of their own.

A transaction is one function that runs from begin to commit on that thread. Whoever awaits it can
be cancelled, and still it is done whole: awaiting each statement would leave a transaction open.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeVar

from gpu_peer.storage.database import open_database, storage_errors
from gpu_peer.storage.event_log import EventLog
from gpu_peer.storage.lan_table import LanTable
from gpu_peer.storage.people import People

T = TypeVar("T")


class Store:
    """What this home keeps. Calls are carried out one after another, in the order made."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="storage")

    async def open(self) -> Self:
        """Open the database.

        Raises:
            StorageDamaged: see `open_database`.
            StorageFailed: see `open_database`.
        """
        self._db = await self._call(lambda: open_database(self._path))
        self._log = EventLog(self._db)
        self._people = People(self._db)
        self._lan = LanTable(self._db)
        return self

    async def run(self, work: Callable[[EventLog], T]) -> T:
        """Do the work with the logs, on the storage thread.

        Raises:
            StorageFailed: the disk is full, or the file locked or not writable.
            StorageDamaged: the file was damaged while in use.
        """
        return await self._guarded(lambda: work(self._log))

    async def with_people(self, work: Callable[[People], T]) -> T:
        """Do the work with the list of people and devices, on the storage thread.

        Raises:
            StorageFailed: see `run`.
            StorageDamaged: see `run`.
        """
        return await self._guarded(lambda: work(self._people))

    async def with_lan(self, work: Callable[[LanTable], T]) -> T:
        """Do the work with what devices dial with, on the storage thread.

        Raises:
            StorageFailed: see `run`.
            StorageDamaged: see `run`.
        """
        return await self._guarded(lambda: work(self._lan))

    async def close(self) -> None:
        """Finish what was asked for and close the file."""
        if hasattr(self, "_db"):
            await self._call(self._db.close)
        self._thread.shutdown(wait=False)

    async def _guarded(self, work: Callable[[], T]) -> T:
        def guarded() -> T:
            with storage_errors(self._path):
                return work()

        return await self._call(guarded)

    async def _call(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
