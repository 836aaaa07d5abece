"""Challenges of passkeys: random, for one holder, good once and for a short while. Pure."""

import secrets
from collections import OrderedDict

CHALLENGE_SECONDS = 120
"""Long enough to find a telephone and a finger, or to type a PIN."""

_BYTES = 32


class Challenges:
    """The challenges that are out, of the `bound` holders who asked last."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._out: OrderedDict[str, tuple[bytes, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._out)

    def make(self, holder: str, now: float) -> bytes:
        """Give a holder a challenge; one they had before is no longer good."""
        challenge = secrets.token_bytes(_BYTES)
        self._out[holder] = (challenge, now + CHALLENGE_SECONDS)
        self._out.move_to_end(holder)
        if len(self._out) > self._bound:
            self._out.popitem(last=False)
        return challenge

    def take(self, holder: str, now: float) -> bytes | None:
        """Take the holder's challenge, whatever becomes of it; None if there is no good one."""
        challenge, until = self._out.pop(holder, (None, 0.0))
        return challenge if now < until else None
