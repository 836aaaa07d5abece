"""The text of a running answer: pieces in, numbered deltas out. Pure; time is an argument."""

DELTA_INTERVAL_S = 1 / 30
"""A channel carries 30 messages a second well and 200 badly, so tokens are gathered for a frame."""

FIRST_DELTAS = 8
"""So many deltas of an answer wait for no frame: a short answer is seen word by word too."""

SAVE_INTERVAL_S = 1.0
"""A draft is saved this often: losing the power costs at most so much of an answer."""


class Pace:
    """At most one act in an interval, the first at once."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._last_s = float("-inf")

    def wait_s(self, now_s: float) -> float:
        """Give how long to wait before the next act."""
        return max(0.0, self._last_s + self._interval_s - now_s)

    def mark(self, now_s: float) -> None:
        """Note that the act was done now."""
        self._last_s = now_s


class Draft:
    """One running answer's text.

    The numbering of deltas is the answer's own and the same for all devices: a device that knows
    the first N deltas, from a draft or one by one, goes on with delta N. What an answer has `begun`
    with is no delta: it is the text of the one that it continues.
    """

    def __init__(self, begun: str = "") -> None:
        self._begun = begun
        self._deltas: list[str] = []
        self._pending: list[str] = []
        self._pace = Pace(DELTA_INTERVAL_S)
        self.characters = len(begun)

    @property
    def index(self) -> int:
        """The number of deltas so far, which is the number of the next one."""
        return len(self._deltas)

    @property
    def sent_text(self) -> str:
        """What the device has that has all deltas so far."""
        return "".join([self._begun, *self._deltas])

    @property
    def text(self) -> str:
        """All of the text, also what is in no delta yet."""
        return "".join([self._begun, *self._deltas, *self._pending])

    def delta(self, index: int) -> str:
        """Give one delta's text."""
        return self._deltas[index]

    def add(self, piece: str) -> None:
        """Take more text from the engine."""
        if piece:
            self._pending.append(piece)
            self.characters += len(piece)

    def flush(self, now_s: float) -> bool:
        """Make a delta of what is pending, if one is due. Returns whether it did."""
        if self.due_in_s(now_s) != 0:
            return False
        self._pace.mark(now_s)
        self._deltas.append("".join(self._pending))
        self._pending.clear()
        return True

    def due_in_s(self, now_s: float) -> float | None:
        """Give when to flush next; None while nothing is pending."""
        if not self._pending:
            return None
        return 0.0 if self.index < FIRST_DELTAS else self._pace.wait_s(now_s)
