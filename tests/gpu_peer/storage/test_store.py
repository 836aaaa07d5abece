import asyncio
import threading
from pathlib import Path

import pytest

from gpu_peer.errors import StorageDamaged
from gpu_peer.storage.event_log import EventLog
from gpu_peer.storage.store import Store


async def test_a_change_that_nobody_waits_for_any_more_is_done_whole(tmp_path: Path) -> None:
    store = await Store(tmp_path / "chats.sqlite3").open()
    entered, go_on = threading.Event(), threading.Event()

    def slow(log: EventLog) -> None:
        def change(mine: object) -> None:
            entered.set()
            go_on.wait()
            mine.make_chat("c")  # type: ignore[attr-defined]

        log.change("ann", "id", change)

    waiting = asyncio.ensure_future(store.run(slow))
    await asyncio.to_thread(entered.wait)
    waiting.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    again = await store.run(lambda log: log.change("ann", "id", lambda mine: None))
    assert again.repeated
    await store.close()


async def test_a_store_that_cannot_be_opened_can_be_closed(tmp_path: Path) -> None:
    path = tmp_path / "chats.sqlite3"
    path.write_bytes(b"something else entirely, and long enough to be seen as such" * 100)
    store = Store(path)
    with pytest.raises(StorageDamaged):
        await store.open()
    await store.close()
