"""What the relay counts. Nothing here names a person or an address."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Plain numbers, cheap enough for every packet; `turn.metrics` shows them."""

    packets: int = 0
    octets: int = 0
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    """By method and code, where success is 200."""
    dropped: Counter[str] = field(default_factory=Counter)
    """By reason; a fixed set of words."""
