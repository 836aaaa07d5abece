"""Time that passes when the test says so."""

import asyncio
import heapq
import itertools
from collections.abc import Callable


class VirtualTimer:
    def __init__(self, act: Callable[[], None]) -> None:
        self.act: Callable[[], None] | None = act

    def cancel(self) -> None:
        self.act = None


class VirtualClock:
    def __init__(self) -> None:
        self._now_s = 1000.0
        self._order = itertools.count()
        self._due: list[tuple[float, int, VirtualTimer]] = []

    def now_s(self) -> float:
        return self._now_s

    def wall_ms(self) -> int:
        return 1_700_000_000_000 + round(self._now_s * 1000)

    def call_later(self, delay_s: float, act: Callable[[], None]) -> VirtualTimer:
        timer = VirtualTimer(act)
        heapq.heappush(self._due, (self._now_s + delay_s, next(self._order), timer))
        return timer

    async def sleep(self, delay_s: float) -> None:
        woken = asyncio.Event()
        self.call_later(delay_s, woken.set)
        await woken.wait()

    def waits(self, seconds: float) -> bool:
        """Whether something is to happen after exactly so long."""
        return any(abs(at - self._now_s - seconds) < 1e-9 for at, _, _ in self._due)

    def advance(self, seconds: float) -> None:
        """Let time pass, doing on the way what is due."""
        until = self._now_s + seconds
        while self._due and self._due[0][0] <= until + 1e-9:
            at, _, timer = heapq.heappop(self._due)
            self._now_s = max(self._now_s, at)
            if timer.act is not None:
                timer.act()
        self._now_s = until
