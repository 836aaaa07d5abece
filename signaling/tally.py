"""How many wrong passwords each name got since somebody asked. Pure, and in memory.

A name is counted whether there is such an account or not: writing to the disk for accounts alone
would take a time that tells them from others, and let a guesser write as fast as they guess.
"""

from collections import OrderedDict

import msgspec


class Tries(msgspec.Struct, frozen=True, kw_only=True):
    """Some failed tries. Times are seconds since 1970."""

    count: int
    first_at: float
    last_at: float


class Tally:
    """The failed tries of the `bound` names tried last."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._tries: OrderedDict[str, Tries] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tries)

    def count(self, name: str, now: float) -> None:
        """Count one more."""
        key = name.casefold()
        before = self._tries.get(key) or Tries(count=0, first_at=now, last_at=now)
        self._tries[key] = Tries(count=before.count + 1, first_at=before.first_at, last_at=now)
        self._tries.move_to_end(key)
        if len(self._tries) > self._bound:
            self._tries.popitem(last=False)

    def take(self, name: str) -> Tries | None:
        """Give the tries of a name and forget them."""
        return self._tries.pop(name.casefold(), None)

    def take_all(self) -> dict[str, Tries]:
        """Give the tries of every name, folded, and forget them."""
        taken, self._tries = dict(self._tries), OrderedDict()
        return taken
