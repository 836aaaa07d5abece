"""Whether the other end still lives. Pure; time is an argument.

Without it a crash shows after 32 s in aiortc, and never on some phones.
"""

from enum import Enum

INTERVAL_S = 1
"""After so long a silence the other end is asked."""

MISSES = 3
"""A silence of so many intervals means that it is gone."""


class Pulse(Enum):
    """What to do now."""

    WAIT = "nothing"
    ASK = "send a heartbeat"
    DEAD = "close"


class Liveness:
    """Follows how much came from the other end, and when."""

    def __init__(self, now_s: float) -> None:
        self._heard_s = now_s
        self._asked_s = now_s
        self._frames = 0

    def tick(self, now_s: float, frames: int) -> Pulse:
        """Say what to do now that `frames` frames have come in all."""
        if frames != self._frames:
            self._frames = frames
            self._heard_s = self._asked_s = now_s
        if now_s - self._heard_s >= MISSES * INTERVAL_S:
            return Pulse.DEAD
        if now_s - self._asked_s >= INTERVAL_S:
            self._asked_s = now_s
            return Pulse.ASK
        return Pulse.WAIT
