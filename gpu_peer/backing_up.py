"""Has the running home make backups of its chats, see `storage.backups`."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import structlog

from gpu_peer.clock import Clock
from gpu_peer.daemon_thread import in_daemon_thread
from gpu_peer.errors import BackupFailed
from gpu_peer.storage.backups import Backups, GoOn

EVERY_S = 3600.0
"""How often it is looked whether a backup is due, and how long deleted text stays in them."""

STOP_S = 5.0

log = structlog.get_logger()


@asynccontextmanager
async def backing_up(chats: Path, clock: Clock) -> AsyncIterator[None]:
    """Make backups of the chats until the block ends. One that fails harms nothing."""
    stop = threading.Event()
    backups = Backups(chats)
    task = asyncio.ensure_future(_watch(backups, clock, lambda: not stop.is_set()))
    try:
        yield
    finally:
        stop.set()  # a copy under way ends at its next step
        task.cancel()
        await asyncio.wait((task,), timeout=STOP_S)


async def _watch(backups: Backups, clock: Clock, go_on: GoOn) -> None:
    while True:
        now = datetime.fromtimestamp(clock.wall_ms() / 1000, UTC)
        await _uncut(lambda now=now: _look(backups, now, go_on))  # type: ignore[misc]
        await clock.sleep(EVERY_S)


async def _uncut(work: Callable[[], None]) -> None:
    """Wait for the work to its end, also when cancelled meanwhile."""
    done = in_daemon_thread(work, "backup")
    try:
        await asyncio.shield(done)
    except asyncio.CancelledError:
        await done
        raise


def _look(backups: Backups, now: datetime, go_on: GoOn) -> None:
    with _failures_told():
        if (made := backups.make_if_due(now, go_on)) is not None:
            log.info("backup_made", file=made.path.name)
    with _failures_told():
        if changed := backups.forget_deleted(now, go_on):
            log.info("deleted_chats_taken_out_of_backups", count=changed)


@contextmanager
def _failures_told() -> Iterator[None]:
    try:
        yield
    except BackupFailed as error:
        log.error("backup_failed", reason=str(error))
