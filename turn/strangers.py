"""How often addresses are answered that nobody has shown to be theirs.

Whoever sends a datagram with another's address in it has the answer sent there. With a limit for
each address the relay is not worth using so, and the limit is far above what many homes behind one
translator ask for.
"""

import ipaddress
from collections import OrderedDict

from turn.buckets import Bucket

MOST = 10_000
"""Addresses remembered, those seen last. To have one forgotten takes as many requests of others."""

_PREFIX = 64
"""Of IPv6: one customer owns all addresses that begin so."""


class Strangers:
    """A bucket of answers for each address, a second's worth in it."""

    def __init__(self, answers_per_s: float) -> None:
        self._rate = answers_per_s
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def may_be_answered(self, host: str, now: float) -> bool:
        """Count one more answer to a host, unless it has had too many."""
        key = _key(host)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self._rate, now)
            if len(self._buckets) > MOST:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        return bucket.take(1, now)

    def expire(self, now: float) -> None:
        """Forget those to whom nothing was sent lately."""
        for key in [key for key, bucket in self._buckets.items() if bucket.is_full(now)]:
            del self._buckets[key]


def _key(host: str) -> str:
    if ":" not in host:
        return host
    return str(ipaddress.IPv6Network((host, _PREFIX), strict=False).network_address)
