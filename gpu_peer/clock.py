"""Time, as the parts that need it are handed it; tests hand in a virtual one."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """Something that will happen, unless it is cancelled."""

    def cancel(self) -> None:
        """Make it not happen."""


class Clock(Protocol):
    """Tells the time and wakes up."""

    def now_s(self) -> float:
        """Give seconds that only grow, from an arbitrary start."""

    def wall_ms(self) -> int:
        """Give Unix time in milliseconds."""

    def call_later(self, delay_s: float, act: Callable[[], None]) -> Timer:
        """Do `act` after the delay."""

    async def sleep(self, delay_s: float) -> None:
        """Wait for the delay."""


class LoopClock:
    """The running event loop's time."""

    def now_s(self) -> float:
        """See `Clock`."""
        return time.monotonic()

    def wall_ms(self) -> int:
        """See `Clock`."""
        return time.time_ns() // 1_000_000

    def call_later(self, delay_s: float, act: Callable[[], None]) -> Timer:
        """See `Clock`."""
        return asyncio.get_running_loop().call_later(delay_s, act)

    async def sleep(self, delay_s: float) -> None:
        """See `Clock`."""
        await asyncio.sleep(delay_s)
