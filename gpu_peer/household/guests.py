"""Guests' chats are not kept: they are erased once their devices are gone."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from gpu_peer.clock import Clock, Timer
from gpu_peer.errors import Refused, StorageError
from gpu_peer.household.household import Household

GRACE_S = 300.0
"""A phone that is in a pocket for a moment finds its answer again."""

Erase = Callable[[str], Awaitable[None]]
"""Deletes all chats of a person."""


class Guests:
    """Erases at the start, at the end, and a while after a guest's last device has gone."""

    def __init__(self, household: Household, erase: Erase, clock: Clock) -> None:
        self._household = household
        self._erase = erase
        self._clock = clock
        self._leaving: dict[str, Timer] = {}
        self._here: set[str] = set()
        self._tasks: set[asyncio.Future[None]] = set()
        self._end_watch: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Erase what an earlier process left behind, then watch who comes and goes."""
        await self._erase_all()
        self._end_watch = self._household.watch(self._look)

    async def close(self) -> None:
        """Erase what is left."""
        self._end_watch()
        for timer in self._leaving.values():
            timer.cancel()
        for task in tuple(self._tasks):
            await task
        await self._erase_all()

    def _look(self) -> None:
        for guest in self._household.guests:
            if self._household.is_present(guest):
                self._here.add(guest)
                if (timer := self._leaving.pop(guest, None)) is not None:
                    timer.cancel()
            elif guest in self._here:
                self._here.discard(guest)
                leave = partial(self._leave, guest)
                self._leaving[guest] = self._clock.call_later(GRACE_S, leave)

    def _leave(self, guest: str) -> None:
        del self._leaving[guest]
        task = asyncio.ensure_future(self._erase_one(guest))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _erase_all(self) -> None:
        for guest in self._household.guests:
            await self._erase_one(guest)

    async def _erase_one(self, guest: str) -> None:
        try:
            await self._erase(guest)
        except (StorageError, Refused):
            return  # tried again at the next start
