"""An engine that says what the test tells it to."""

import asyncio
from collections.abc import Callable, Sequence

from gpu_peer.chat.conversation import Turn
from gpu_peer.engine import EngineEvent, GenerationEnd, ModelInfo, TextPiece
from gpu_peer.errors import GenerationRefused


class ScriptedEngine:
    """Hands its events over on the event loop's own thread, when the test says so."""

    def __init__(self) -> None:
        self.info = ModelInfo("scripted", context_length=4096, device="cpu", max_tokens=1024)
        self.loop = asyncio.get_running_loop()
        self.deliver: Callable[[Sequence[EngineEvent]], None] = lambda _: None
        self.refusal: GenerationRefused | None = None
        self.prompts: dict[str, list[Turn]] = {}
        self.owners: dict[str, str] = {}
        self.begun: dict[str, str] = {}
        self.cancelled: set[str] = set()  # asking twice is as good as once
        self._submitted: asyncio.Queue[str] = asyncio.Queue()

    def count_tokens(self, prompt: Sequence[Turn], begun: str = "") -> int:
        """One for each turn, and one for each word."""
        return sum(1 + len(text.split()) for _, text in prompt) + len(begun.split())

    def submit(self, generation: str, prompt: Sequence[Turn], owner: str, begun: str = "") -> None:
        if self.refusal is not None:
            raise self.refusal
        self.prompts[generation] = list(prompt)
        self.owners[generation] = owner
        self.begun[generation] = begun
        self.loop.call_soon_threadsafe(self._submitted.put_nowait, generation)

    def cancel(self, generation: str) -> bool:
        self.cancelled.add(generation)
        return True

    def next_events(self, timeout_s: float) -> Sequence[EngineEvent]:
        raise AssertionError("the test delivers the events")

    def close(self) -> None: ...

    async def submitted(self) -> str:
        """Wait for the next generation that was asked for."""
        async with asyncio.timeout(10):
            return await self._submitted.get()

    def say(self, generation: str, *pieces: str) -> None:
        self.deliver([TextPiece(generation, piece) for piece in pieces])

    def end(self, generation: str, reason: str = "stop") -> None:
        self.deliver(
            [
                GenerationEnd(
                    generation,
                    reason,  # type: ignore[arg-type]
                    prompt_tokens=7,
                    cached_tokens=5,
                    completion_tokens=10,
                    decode_s=0.5,
                )
            ]
        )
