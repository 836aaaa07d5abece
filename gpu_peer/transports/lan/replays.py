"""Checks that were seen before. Pure.

A check is good for as long as its password: who overheard one could send it again from elsewhere,
to open connections or to lead one astray.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable

CAPACITY = 1024
"""Of one device. A connection makes a check in about two seconds, and twenty a second at first."""


class Replays:
    """Remembers of each device by which path its latest checks came.

    A device sends a check again by the same path when the answer was lost; whoever sends it by
    another has overheard it.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._seen: dict[str, OrderedDict[bytes, Hashable]] = {}

    def __len__(self) -> int:
        return sum(len(seen) for seen in self._seen.values())

    def is_replay(self, ufrag: str, transaction: bytes, path: Hashable) -> bool:
        """Remember a check that its device has made; whether it was another path's before."""
        seen = self._seen.setdefault(ufrag, OrderedDict())
        first = seen.setdefault(transaction, path)
        if len(seen) > self._capacity:
            seen.popitem(last=False)
        return first != path

    def keep(self, is_known: Callable[[str], bool]) -> None:
        """Forget the checks of devices that are known no more."""
        self._seen = {ufrag: seen for ufrag, seen in self._seen.items() if is_known(ufrag)}
