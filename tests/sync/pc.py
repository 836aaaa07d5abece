"""One home PC, in memory and on a tmpfs, that can be killed or lose its power at any write."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import msgspec

import gpu_peer.uuid7
from gpu_peer.chat import connection, feed
from gpu_peer.chat.connection import DeviceConnection
from gpu_peer.chat.home import Home
from gpu_peer.errors import PeerError
from gpu_peer.household.desk import Asker
from gpu_peer.household.household import Household
from gpu_peer.storage import event_log
from gpu_peer.storage.store import Store
from tests.gpu_peer.support.trust import HOME
from tests.sync import files
from tests.sync.clock import LoopTime
from tests.sync.disk import Disk, Killed
from tests.sync.engine import NumberingEngine
from tests.sync.line import Line
from tests.sync.loop import VirtualLoop
from tests.sync.power import Synced, register

_SIZES = ((event_log, "PAGE_BYTES"), (feed, "LIVE_BYTES"), (feed, "LIST_BYTES"))


class Pc:
    """A home over all its starts, kills and restores.

    With `power` it can lose that. Where SQLite cannot be watched it is killed instead.

    Attributes:
        said: What its engines ever generated, by answer.
    """

    def __init__(self, seed: int, folder: Path, template: Path, *, power: bool) -> None:
        self.random = Random(seed)
        self.path = folder / "chats.sqlite3"
        self.said: dict[str, str] = {}
        self.running = False
        self.user = ""
        self._backup = folder / "backup.sqlite3"
        self._older = folder / "older.sqlite3"
        self._sent: list[tuple[int, bytes]] = []
        self._closed: list[int] = []
        self._lines: dict[int, Line] = {}
        self._passed_s = 0.0
        self._wall_ms = 1_790_000_000_000
        self._disk = Disk()
        files.copy(template, self.path)
        watched = power and register()
        self._synced = Synced(self.path, Random(self.random.getrandbits(64))) if watched else None
        # Ids are of the seed as all else is.
        gpu_peer.uuid7.time = SimpleNamespace(time_ns=lambda: self.wall_ms() * 1_000_000)
        gpu_peer.uuid7.secrets = SimpleNamespace(randbits=self.random.getrandbits)
        self._page_sizes()
        self.start()

    def _page_sizes(self) -> None:
        """Have pages of a few events, so that a short log has many."""
        for module, name in _SIZES:
            assert hasattr(module, name), f"{module.__name__} has no {name}."
            setattr(module, name, self.random.choice((300, 1500, 65_536)))
        feed.FAR_BEHIND = self.random.choice((2, 64))
        # Lines are cut by the scheduler, so nobody has to find out by asking twice a second.
        connection.TICK_S = 10.0

    def wall_ms(self) -> int:
        return self._wall_ms + round(self._passed_s * 1000)

    def start(self, kill_at: int | None = None, lose_at: int | None = None) -> None:
        """Start the process: a new loop, and nothing in memory.

        It may die at a write of that, or lose its power when it syncs.
        """
        self.loop = VirtualLoop(Random(self.random.getrandbits(64)))
        self._disk = disk = Disk(self._synced)
        disk.kill_at, disk.lose_at = kill_at, lose_at
        sqlite3.connect = disk.connect  # type: ignore[assignment]  # fewer ways to call it
        self.running = True
        self._guarded(self._open)

    def _open(self) -> None:
        engine = NumberingEngine(Random(self.random.getrandbits(64)), self.said)
        time = LoopTime(self.loop, self.wall_ms)

        async def opened() -> None:
            store = await Store(self.path).open()
            self._home = Home(store, engine, time)
            self._household = await Household(HOME, store, time).open()
            engine.deliver = self._home.answers.take
            await self._home.start()
            self.user = self._household.owner

        self._time = time
        task = self.loop.create_task(opened())
        self.loop.rest()
        task.result()

    def connect(self, number: int) -> None:
        """A device of the owner is there, and has proved itself."""
        line = Line(
            number,
            lambda to, message: self._sent.append((to, message)),
            lambda: self._closed.append(number),
        )
        self._lines[number] = line
        asker = Asker(self.user, None)
        served = DeviceConnection(asker, line, self._home, self._household, self._time)

        async def serve() -> None:
            try:
                await served.run()
            except* PeerError:
                pass  # As `serving` does: the device is to come again.
            except* Exception as error:
                self.loop.errors.append({"exception": error})

        self.loop.create_task(serve())

    def hear(self, number: int, message: bytes) -> None:
        if (line := self._lines.get(number)) is not None and not line.over:
            line.hear(message)

    def drain(self, number: int, count: int) -> None:
        if (line := self._lines.get(number)) is not None:
            line.drain(count)

    def cut(self, number: int) -> None:
        if (line := self._lines.pop(number, None)) is not None:
            line.cut()

    def rest(self) -> None:
        if self.running:
            self._guarded(self.loop.rest)

    def begin(self) -> None:
        """Go on, but not until everybody waits."""
        if self.running:
            self._guarded(lambda: self.loop.rest(self.random.randrange(1, 50)))

    def advance(self, seconds: float) -> None:
        self._passed_s += seconds
        if self.running:
            self._guarded(lambda: self.loop.advance(seconds))

    def jump(self, ms: int) -> None:
        """Set the wall clock wrong, or right again."""
        self._wall_ms += ms

    def kill_at(self, writes: int, *, after: bool) -> None:
        """Die at the n-th write from now on."""
        self._disk.kill_at = self._disk.writes + writes
        self._disk.kill_after = after

    def fail(self, first: int, count: int) -> None:
        """Have the disk refuse some writes."""
        self._disk.fail_from = self._disk.writes + first
        self._disk.fail_until = self._disk.fail_from + count

    def calm(self) -> None:
        """From now on nothing bad happens to the disk."""
        self._disk.kill_at = self._disk.fail_from = self._disk.lose_at = None

    def kill(self) -> None:
        """Die now: all that is in memory is gone, what is on disk stays as it is."""
        if not self.running:
            return
        self.running = False
        self._disk.dead = True
        for line in self._lines.values():
            line.over = True
        self._lines.clear()
        self.loop.abandon()
        self._sent.clear()
        self._closed.clear()
        self._abandon()

    def lose_power(self) -> None:
        """Die now: of what was not synced the disk may have nothing."""
        if self.running:
            self._disk.lose_power()
            self.kill()

    def lose_power_at(self, syncs: int) -> None:
        """Lose the power when files are to be synced for the n-th time from now on."""
        self._disk.lose_at = self._disk.syncs + syncs

    def stop(self) -> None:
        """End as it should be."""
        if not self.running:
            return
        self._guarded(self._close)
        self.kill()

    def take_sent(self) -> list[tuple[int, bytes]]:
        sent, self._sent = self._sent, []
        return sent

    def take_closed(self) -> list[int]:
        closed, self._closed = self._closed, []
        return closed

    def back_up(self) -> None:
        """Copy the database while it is in use, and keep the copy before."""
        if self._backup.exists():
            self._backup.replace(self._older)
        files.back_up(self.path, self._backup)

    def restore(self, *, older: bool) -> None:
        """Put a backup in the place of what there is; the process is down."""
        self.kill()
        backup = self._older if older else self._backup
        files.restore(backup, self.path, self.wall_ms())
        if self._synced is not None:
            self._synced.take_all()

    def put_back(self) -> None:
        """Do what `restore` does, but for saying so."""
        self.kill()
        files.copy(self._backup, self.path)
        if self._synced is not None:
            self._synced.take_all()

    def dump(self, gone: list[str]) -> dict[str, Any]:
        """Give all there is on disk; see `Dumped`."""
        everything = b"".join(file.read_bytes() for file in files.files_of(self.path))
        with closing(files.connect(self.path)) as database:
            log, head = database.execute(
                "SELECT log, head FROM users WHERE id = ?", (self.user,)
            ).fetchone()
            events = database.execute(
                "SELECT body FROM events WHERE user = ? ORDER BY seq", (self.user,)
            )
            settings = database.execute(
                "SELECT name, value FROM settings WHERE user = ?", (self.user,)
            )
            return {
                "log": log,
                "head": head,
                "events": [msgspec.Raw(body) for (body,) in events],
                "chats": event_log.EventLog(database).chats(self.user),
                "settings": dict(settings.fetchall()),
                "open": [answer for (answer,) in database.execute("SELECT answer FROM drafts")],
                "said": self.said,
                "found": [word for word in gone if word.encode() in everything],
            }

    def _close(self) -> None:
        task = self.loop.create_task(self._home.close())
        self.loop.rest()
        for _ in range(20):
            if task.done():
                return task.result()
            self.loop.advance(1.0)
        raise AssertionError("The PC does not end.")

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Killed:
            self.kill()
        if self.loop.errors:
            first = self.loop.errors[0]
            raise AssertionError(f"Nobody took {first}") from first.get("exception")

    def _abandon(self) -> None:
        """Close the file as the system would: without a checkpoint, and without a roll back."""
        left = self._disk.left
        if left is None:
            left = {str(file): file.read_bytes() for file in files.files_of(self.path)}
        self._disk.close()
        files.remove(self.path)
        for name, data in left.items():
            if not name.endswith("-shm"):
                Path(name).write_bytes(data)
        if self._synced is not None and self._disk.left is not None:
            self._synced.take_all()
