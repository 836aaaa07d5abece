"""A rest that may be cut short."""

import asyncio
import contextlib

from gpu_peer.clock import Clock


class Alarm:
    """Wakes whoever rests; a call while nobody does is forgotten at the next rest."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ringing = asyncio.Event()

    def ring(self) -> None:
        """End the rest."""
        self._ringing.set()

    async def rest(self, wait_s: float) -> bool:
        """Wait, or less if the alarm rings. Gives whether it did."""
        self._ringing.clear()
        waking = asyncio.ensure_future(self._ringing.wait())
        resting = asyncio.ensure_future(self._clock.sleep(wait_s))
        try:
            await asyncio.wait((waking, resting), return_when=asyncio.FIRST_COMPLETED)
            return waking.done()
        finally:
            for task in (waking, resting):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
