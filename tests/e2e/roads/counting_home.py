"""A home like any other but for its model, which counts aloud, 30 numbers a second.

So every answer is as long as it was asked to be, at a pace that does not depend on the machine, and
a word that is lost or comes twice is seen.
"""

import re
import sys
import threading
import time
from collections.abc import Sequence

from gpu_peer import __main__, loading
from gpu_peer.chat.conversation import Turn
from gpu_peer.engine import EngineEvent, GenerationEnd, ModelInfo, TextPiece

PER_S = 30.0


class CountingEngine:
    """Answers `Count to N.` with the numbers from 1 to N."""

    def __init__(self) -> None:
        self.info = ModelInfo("counting", context_length=65536, device="cpu", max_tokens=65536)
        self._changed = threading.Condition()
        self._due: list[tuple[float, EngineEvent]] = []
        self._ended = False

    def count_tokens(self, prompt: Sequence[Turn], begun: str = "") -> int:
        """Give a token for each word."""
        return sum(1 + len(text.split()) for _, text in prompt) + len(begun.split())

    def submit(self, generation: str, prompt: Sequence[Turn], owner: str, begun: str = "") -> None:
        """Plan when each number is said."""
        found = re.search(r"\d+", prompt[-1][1])
        last = int(found[0]) if found else 1
        now = time.monotonic()
        with self._changed:
            for number in range(1, last + 1):
                piece = TextPiece(generation, f"{number} " if number < last else f"{number}")
                self._due.append((now + number / PER_S, piece))
            end = GenerationEnd(generation, "stop", completion_tokens=last, decode_s=last / PER_S)
            self._due.append((now + last / PER_S, end))
            self._due.sort(key=lambda one: one[0])
            self._changed.notify_all()

    def cancel(self, generation: str) -> bool:
        """Say no more of it."""
        with self._changed:
            kept = [one for one in self._due if one[1].generation != generation]
            known = len(kept) < len(self._due)
            if known:
                kept.insert(0, (0.0, GenerationEnd(generation, "cancelled")))
            self._due = kept
            self._changed.notify_all()
        return known

    def next_events(self, timeout_s: float) -> Sequence[EngineEvent]:
        """Give what is due, once something is."""
        until = time.monotonic() + timeout_s
        with self._changed:
            while (now := time.monotonic()) < until and not self._ended:
                if due := self._take(now):
                    return due
                wake = min([until, *(at for at, _ in self._due[:1])])
                self._changed.wait(wake - now)
        return []

    def close(self) -> None:
        """End the waiting."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _take(self, now: float) -> list[EngineEvent]:
        due = [event for at, event in self._due if at <= now]
        self._due = self._due[len(due) :]
        return due


if __name__ == "__main__":
    loading.load = lambda _config: CountingEngine()
    sys.exit(__main__.main(["run"]))
