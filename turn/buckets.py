"""How much somebody may send: a token bucket over bytes."""


class Bucket:
    """Holds a second's worth of bytes, and is filled again at its rate."""

    __slots__ = ("_at", "_left", "_rate")

    def __init__(self, bytes_per_s: float, now: float) -> None:
        self._rate = bytes_per_s
        self._left = bytes_per_s
        self._at = now

    def take(self, size: int, now: float) -> bool:
        """Take bytes out, or none where there are too few; the clock is asked only then."""
        if self._left < size and not self._fill(size, now):
            return False
        self._left -= size
        return True

    def is_full(self, now: float) -> bool:
        """Whether it holds all that it can, so that a new one is no better."""
        return self._left + (now - self._at) * self._rate >= self._rate

    def _fill(self, size: int, now: float) -> bool:
        self._left = min(self._rate, self._left + (now - self._at) * self._rate)
        self._at = now
        return self._left >= size
