"""Whose turn it is: messages that wait are answered one after another in each chat."""

import asyncio
from collections.abc import Callable

from gpu_peer.chat.branches import answer_waiting
from gpu_peer.chat.outcome import Circumstances, Outcome
from gpu_peer.chat.plan import plan_waiting
from gpu_peer.clock import Clock
from gpu_peer.engine import Engine
from gpu_peer.errors import PlanOutdated, StorageError
from gpu_peer.storage.event_log import EventLog
from gpu_peer.storage.store import Store
from gpu_peer.storage.user_log import UserLog
from gpu_peer.uuid7 import uuid7

RETRY_S = 2.0
"""How long to wait before an answer whose beginning could not be saved is begun again."""


class Turns:
    """Begins the next answer of a chat. What waits is on disk, so it outlives the process."""

    def __init__(
        self,
        engine: Engine,
        store: Store,
        clock: Clock,
        begun: Callable[[str, int, Outcome], None],
    ) -> None:
        """Prepare.

        Args:
            engine: Counts tokens.
            store: Has what waits.
            clock: The time.
            begun: Told the user, the log's newest number, and what is to be done.
        """
        self._engine = engine
        self._store = store
        self._clock = clock
        self._begun = begun
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    def look(self, user: str, chat: str) -> None:
        """Begin the answer to the message whose turn it is, if one waits and none is running."""
        task = asyncio.get_running_loop().create_task(self._look(user, chat))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Begin no more; what waits goes on waiting."""
        self._closing = True
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _look(self, user: str, chat: str) -> None:
        while not self._closing:
            try:
                await self._begin_next(user, chat)
            except PlanOutdated:
                continue
            except StorageError:
                if not self._closing:
                    await self._clock.sleep(RETRY_S)
            else:
                return

    async def _begin_next(self, user: str, chat: str) -> None:
        message, events = await self._store.run(
            lambda log: (log.next_waiting(user, chat), log.events_of(user, chat))
        )
        if message is None:
            return
        plan = await asyncio.to_thread(plan_waiting, message, events, self._engine)
        around = Circumstances(self._clock.wall_ms(), self._engine.info.name, uuid7, plan)
        if not self._closing:
            head, outcome = await self._store.run(
                lambda log: _begin_answer(log, user, chat, message, around)
            )
            self._begun(user, head, outcome)


def _begin_answer(
    log: EventLog, user: str, chat: str, message: str, around: Circumstances
) -> tuple[int, Outcome]:
    outcome = Outcome()

    def change(mine: UserLog) -> None:
        nonlocal outcome
        outcome = answer_waiting(chat, message, mine, around)

    return log.change(user, None, change).seq, outcome
