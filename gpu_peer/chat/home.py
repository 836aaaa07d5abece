"""The home: carries out commands of all users and tells their devices when there is more."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from gpu_peer.chat.answers import Answers, RunningAnswer, cut_open_answers
from gpu_peer.chat.commands import carry_out
from gpu_peer.chat.outcome import Circumstances, Outcome
from gpu_peer.chat.plan import Asking, Plan, plan_answer
from gpu_peer.chat.turns import Turns
from gpu_peer.clock import Clock
from gpu_peer.engine import Engine
from gpu_peer.errors import PlanOutdated, Refused, StorageError, TooLong
from gpu_peer.storage.event_log import EventLog, Written
from gpu_peer.storage.store import Store
from gpu_peer.storage.user_log import UserLog
from gpu_peer.uncut import Uncut
from gpu_peer.uuid7 import uuid7
from protocol.chat import Acknowledged, Command, ContinueAnswer, DeleteChat, Event, Excess

T = TypeVar("T")

SCRUB_AGAIN_S = 60.0
"""How long to wait before what could not be taken out of the files is tried again."""


class Home:
    """Chats, answers, and who watches them."""

    def __init__(self, store: Store, engine: Engine, clock: Clock) -> None:
        self.model = engine.info.name
        self._engine = engine
        self._store = store
        self._clock = clock
        self._turns = Turns(engine, store, clock, self._begun)
        self.answers = Answers(engine, store, clock, self._changed, self._turns.look)
        self._watchers: dict[str, dict[Callable[[], None], None]] = {}
        self._heads: dict[str, int] = {}
        self._heads_at_start: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._uncut = Uncut()
        self._scrubbing: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Mark answers as cut that an earlier process left open, and answer what waited for them.

        What it had deleted and could not take out of the files any more is taken out now. Gives how
        many answers were cut.
        """
        now_ms = self._clock.wall_ms()
        self._heads_at_start = await self._store.run(EventLog.heads)
        cut = await self._store.run(lambda log: cut_open_answers(log, now_ms))
        await self._scrub()
        for user, chat in await self._store.run(EventLog.waiting_chats):
            self._turns.look(user, chat)
        return cut

    def watch(self, user: str, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` whenever there is more for the user's devices. Gives how to end that."""
        watchers = self._watchers.setdefault(user, {})
        watchers[wake] = None

        def end() -> None:
            watchers.pop(wake, None)
            if not watchers and self._watchers.get(user) is watchers:
                del self._watchers[user]

        return end

    def tell(self, user: str, upto: int) -> None:
        """Take down up to which number a device is about to be told the user's log."""
        self._told[user] = max(upto, self.told(user))

    def told(self, user: str) -> int:
        """Give the newest number that a device can have seen, where this is the log it knows."""
        return self._told.get(user, self.head_at_start(user))

    def head_at_start(self, user: str) -> int:
        """Give the newest number that the user's log had when this process began."""
        return self._heads_at_start.get(user, 0)

    async def head(self, user: str) -> int:
        """Give the newest number of the user's log."""
        if user not in self._heads:
            read = await self._store.run(lambda log: log.head(user))
            self._heads[user] = max(read, self._heads.get(user, 0))
        return self._heads[user]

    async def read(self, look: Callable[[EventLog], T]) -> T:
        """Look something up in the logs.

        Raises:
            StorageError: they cannot be read.
        """
        return await self._store.run(look)

    def running(self, user: str) -> list[RunningAnswer]:
        """Give the user's answers whose text is growing."""
        return self.answers.running(user)

    async def execute(self, user: str, command: Command) -> Acknowledged:
        """Carry out a command of a user; once this returns, it is on disk.

        Where nobody waits for it any more it is carried out all the same: once it is on disk the
        devices are to be told, an answer to begin, and deleted text to go.

        Raises:
            Refused: it cannot be done, and nothing was changed.
        """
        return await self._uncut.run(self._execute(user, command))

    async def erase(self, user: str) -> None:
        """Delete every chat of a user, and what they chose for their devices.

        Raises:
            Refused: the disk does not take it.
            StorageError: the disk cannot be read or written.
        """
        await self._uncut.run(self._erase(user))

    async def close(self) -> None:
        """End every answer as cut and put that on disk."""
        if self._scrubbing is not None:
            self._scrubbing.cancel()
        await self._uncut.done()
        await self._turns.close()
        await self.answers.close()

    async def _execute(self, user: str, command: Command) -> Acknowledged:
        written, outcome = await self._do(user, command)
        if outcome.scrub:
            await self._scrub()
        return Acknowledged(id=command.id, seq=written.seq)

    async def _erase(self, user: str) -> None:
        for chat in await self._store.run(lambda log: log.chats(user)):
            await self._do(user, DeleteChat(id=uuid7(), chat=chat.chat))
        await self._store.run(lambda log: log.change(user, None, UserLog.erase_settings))
        await self._scrub()

    async def _do(self, user: str, command: Command) -> tuple[Written, Outcome]:
        try:
            written, outcome = await self._carry_out(user, command)
        except StorageError:
            raise Refused(
                "storage_failed",
                "The PC could not save this: its disk is full or not writable. Try again.",
            ) from None
        self._follow_up(user, outcome)
        if not written.repeated:
            self._changed(user, written.seq)
        return written, outcome

    async def _carry_out(self, user: str, command: Command) -> tuple[Written, Outcome]:
        plan = await self._plan(user, command) if isinstance(command, Asking) else None
        around = Circumstances(self._clock.wall_ms(), self.model, uuid7, plan)
        try:
            return await self._store.run(lambda log: _change(log, user, command, around))
        except PlanOutdated:
            return await self._carry_out(user, command)

    async def _plan(self, user: str, command: Asking) -> Plan | None:
        def read(log: EventLog) -> list[Event]:
            return [] if log.knows(user, command.id) else log.events_of(user, command.chat)

        events = await self._store.run(read)
        try:
            return await asyncio.to_thread(plan_answer, command, events, self._engine)
        except TooLong as error:
            raise Refused(
                "context_full",
                _too_long(command, error),
                Excess(tokens=error.tokens, limit=error.limit),
            ) from None

    def _begun(self, user: str, head: int, outcome: Outcome) -> None:
        self._follow_up(user, outcome)
        self._changed(user, head)

    def _follow_up(self, user: str, outcome: Outcome) -> None:
        if outcome.begun is not None:
            begun, plan = outcome.begun
            self.answers.begin(user, begun, plan.prompt, plan.begun)
        if outcome.stopped is not None:
            self.answers.stop(outcome.stopped)
        if outcome.erased is not None:
            self.answers.forget(outcome.erased)

    async def _scrub(self) -> None:
        if await self._is_scrubbed() or self._scrubbing is not None:
            return
        self._scrubbing = asyncio.get_running_loop().create_task(self._scrub_later())

    async def _scrub_later(self) -> None:
        while True:
            await self._clock.sleep(SCRUB_AGAIN_S)
            if await self._is_scrubbed():
                self._scrubbing = None
                return

    async def _is_scrubbed(self) -> bool:
        try:
            return await self._store.run(EventLog.scrub)
        except StorageError:
            return False

    def _changed(self, user: str, head: int | None) -> None:
        if head is not None:
            self._heads[user] = max(head, self._heads.get(user, 0))
        for wake in tuple(self._watchers.get(user, ())):
            wake()


def _change(
    log: EventLog, user: str, command: Command, around: Circumstances
) -> tuple[Written, Outcome]:
    outcome = Outcome()

    def change(mine: UserLog) -> None:
        nonlocal outcome
        outcome = carry_out(command, mine, around)

    return log.change(user, command.id, change), outcome


def _too_long(command: Asking, error: TooLong) -> str:
    if isinstance(command, ContinueAnswer):
        return (
            f"This answer is too long to be continued: with its message it takes {error.tokens} "
            f"tokens, and there is room for {error.limit}. Ask on in a new message."
        )
    return (
        f"This message is too long for the model: it takes {error.tokens} tokens, and "
        f"there is room for {error.limit}. Shorten it and send it again."
    )
