"""Token buckets. Pure: the time is an argument, in seconds of a clock that never goes back."""

import ipaddress
from collections import OrderedDict

from signaling.errors import RateLimited


class Bucket:
    """Holds up to `size` permits and gains `rate` of them a second."""

    __slots__ = ("_at", "_level")

    def __init__(self, size: float, now: float) -> None:
        self._level = size
        self._at = now

    def take(self, size: float, rate: float, now: float) -> float:
        """Take one permit and give 0, or take none and give the seconds until there is one."""
        self._level = min(size, self._level + max(0.0, now - self._at) * rate)
        self._at = now
        if self._level >= 1:
            self._level -= 1
            return 0.0
        return (1 - self._level) / rate

    def give_back(self, size: float) -> None:
        """Return a permit that turned out not to be needed."""
        self._level = min(size, self._level + 1)


class Limiter:
    """A bucket for each key, of the `bound` keys seen last: memory does not grow with attackers."""

    def __init__(self, size: int, per_s: float, bound: int) -> None:
        self._size = size
        self._rate = size / per_s
        self._bound = bound
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str, now: float) -> None:
        """Take a permit of this key.

        Raises:
            RateLimited: there is none; it says when there will be.
        """
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self._size, now)
            if len(self._buckets) > self._bound:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        if wait := bucket.take(self._size, self._rate, now):
            raise RateLimited(retry_after=wait)

    def give_back(self, key: str) -> None:
        """Return a permit, if the key is still known."""
        if bucket := self._buckets.get(key):
            bucket.give_back(self._size)


class Counter:
    """How many of something each key holds now, up to `most` each."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, key: str) -> bool:
        """Hold one more, or give False where the key holds as many as it may."""
        held = self._held.get(key, 0)
        if held >= self._most:
            return False
        self._held[key] = held + 1
        return True

    def release(self, key: str) -> None:
        """Let go of one."""
        left = self._held[key] - 1
        if left:
            self._held[key] = left
        else:
            del self._held[key]


def address_key(address: str | None) -> str:
    """Give what an address is counted under: itself, or its /64, which one customer owns whole."""
    try:
        ip = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if ip.version == 4:
        return str(ip)
    if ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((int(ip), 64), strict=False).network_address)
