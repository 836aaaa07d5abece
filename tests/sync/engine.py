"""An engine that writes numbered words at a pace of the seed's, and sometimes fails."""

import asyncio
from collections.abc import Callable, Sequence
from random import Random

from gpu_peer.chat.conversation import Turn
from gpu_peer.engine import EngineEndReason, EngineEvent, GenerationEnd, ModelInfo, TextPiece
from gpu_peer.errors import GenerationRefused

CONTEXT = 4096


class NumberingEngine:
    """Writes `of:a3:0 of:a3:1 ...`: whoever loses or doubles a word is found out.

    Each word names what the question names, so that it can be looked for. `said` is all that was
    ever generated, by answer.
    """

    def __init__(self, random: Random, said: dict[str, str]) -> None:
        self.info = ModelInfo("numbers", context_length=CONTEXT, device="cpu", max_tokens=256)
        self.deliver: Callable[[Sequence[EngineEvent]], None] = lambda _events: None
        self.said = said
        self._random = random
        self._left: dict[str, int] = {}
        self._about: dict[str, str] = {}
        self._cancelled: set[str] = set()

    def count_tokens(self, prompt: Sequence[Turn], begun: str = "") -> int:
        """One for each turn, and one for each word."""
        return sum(1 + len(text.split()) for _, text in (*prompt, ("assistant", begun)))

    def submit(self, generation: str, prompt: Sequence[Turn], owner: str, begun: str = "") -> None:
        if self._random.random() < 0.02:
            raise GenerationRefused("engine_busy")
        assert generation not in self.said, "A generation is asked for twice."
        self.said[generation] = ""
        self._about[generation] = prompt[-1][1].split()[-2]
        self._left[generation] = self._random.choice((0, 1, 3, 8, 20, 90))
        self._soon(generation)

    def cancel(self, generation: str) -> bool:
        if generation in self._left:
            self._cancelled.add(generation)
        return generation in self._left

    def next_events(self, timeout_s: float) -> Sequence[EngineEvent]:
        raise AssertionError("it delivers by itself")

    def close(self) -> None: ...

    def _soon(self, generation: str) -> None:
        pace_s = self._random.choice((0.0, 0.004, 0.05, 0.4))
        asyncio.get_running_loop().call_later(pace_s, self._go_on, generation)

    def _go_on(self, generation: str) -> None:
        events: list[EngineEvent] = []
        for _ in range(min(self._left[generation], self._random.randint(1, 12))):
            events.append(TextPiece(generation, self._word(generation)))
            self._left[generation] -= 1
        if generation in self._cancelled:
            events.append(self._end(generation, "cancelled"))
        elif self._random.random() < 0.01:
            events.append(self._end(generation, "failed"))
        elif self._left[generation] == 0:
            events.append(self._end(generation, self._random.choice(("stop", "stop", "length"))))
        else:
            self._soon(generation)
        self.deliver(events)

    def _word(self, generation: str) -> str:
        number = self.said[generation].count(" ")
        word = f"{self._about[generation]}:{generation[-4:]}:{number} "
        self.said[generation] += word
        return word

    def _end(self, generation: str, reason: EngineEndReason) -> GenerationEnd:
        del self._left[generation]
        return GenerationEnd(generation, reason, prompt_tokens=1, completion_tokens=1, decode_s=0.1)
