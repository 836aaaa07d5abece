"""The time of a home whose loop is virtual."""

import asyncio
from collections.abc import Callable

from tests.sync.loop import VirtualLoop


class LoopTime:
    """The virtual loop's time, and a wall clock that can be set wrong."""

    def __init__(self, loop: VirtualLoop, wall_ms: Callable[[], int]) -> None:
        self._loop = loop
        self._wall_ms = wall_ms

    def now_s(self) -> float:
        return self._loop.time()

    def wall_ms(self) -> int:
        return self._wall_ms()

    def call_later(self, delay_s: float, act: Callable[[], None]) -> asyncio.TimerHandle:
        return self._loop.call_later(delay_s, act)

    async def sleep(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
