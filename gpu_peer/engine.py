"""The engine's face: what the chats need of an inference core, and the events it gives.

`rust_engine` is the real one. Tests put a scripted one here.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from gpu_peer.chat.conversation import Turn
from gpu_peer.devices.choice import PassedOver

EngineEndReason = Literal["stop", "length", "cancelled", "failed"]


@dataclass(frozen=True)
class ModelInfo:
    """What is loaded.

    Attributes:
        name: Name for people.
        context_length: Tokens of prompt and answer together.
        device: What computes.
        max_tokens: Tokens of the longest answer.
        decodes_together: Whether answers that run at the same time are computed together, or
            take turns.
        passed_over: Better devices that are not used, and why.
    """

    name: str
    context_length: int
    device: str
    max_tokens: int
    decodes_together: bool = True
    passed_over: tuple[PassedOver, ...] = ()


@dataclass(frozen=True)
class TextPiece:
    """More text of a generation."""

    generation: str
    text: str


@dataclass(frozen=True)
class GenerationEnd:
    """A generation is over. Times are in seconds.

    `cached_tokens` of the prompt were there from an earlier one and were not computed again.
    """

    generation: str
    reason: EngineEndReason
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    queue_s: float = 0.0
    prefill_s: float = 0.0
    decode_s: float = 0.0
    error: str | None = None


EngineEvent = TextPiece | GenerationEnd


class Engine(Protocol):
    """Generates several answers at once. All methods may be called from any thread."""

    @property
    def info(self) -> ModelInfo:
        """Say what is loaded."""

    def count_tokens(self, prompt: Sequence[Turn], begun: str = "") -> int:
        """Give a prompt's tokens, the chat template's included; blocks meanwhile.

        Args:
            prompt: What was said.
            begun: The text that the answer begins with; it is counted too.

        Raises:
            GenerationRefused: the model's template refuses the prompt.
        """

    def submit(self, generation: str, prompt: Sequence[Turn], owner: str, begun: str = "") -> None:
        """Queue a generation; blocks while the prompt is turned into tokens.

        Args:
            generation: Its id, made by the caller.
            prompt: What was said.
            owner: For whom it is. Where generations have to wait, whoever has the fewest running
                is next.
            begun: The text that the answer begins with: only what follows it comes out. Where
                it has filled the context, the generation ends at once with `length`.

        Raises:
            GenerationRefused: the prompt is too long, the queue full, or the model broken.
        """

    def cancel(self, generation: str) -> bool:
        """End a generation within one token; false when it is not known (any more)."""

    def next_events(self, timeout_s: float) -> Sequence[EngineEvent]:
        """Wait for events; none after the timeout.

        Raises:
            EngineUnavailable: the engine is closed or broken.
        """

    def close(self) -> None:
        """Free the model. `next_events` raises from now on."""


class EngineReader:
    """The one thread that waits for the engine, and hands what it says to the event loop."""

    def __init__(
        self,
        engine: Engine,
        deliver: Callable[[Sequence[EngineEvent]], None],
        broken: Callable[[Exception], None],
    ) -> None:
        """Prepare.

        Args:
            engine: What to read from.
            deliver: Takes each batch; called on the reader's thread.
            broken: Takes what the engine raised, once; called on the reader's thread.
        """
        self._engine = engine
        self._deliver = deliver
        self._broken = broken
        self._stopping = False
        # A daemon: a hanging model must not keep the process from ending.
        self._thread = threading.Thread(target=self._read, name="engine-reader", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end after its current wait."""
        self._stopping = True

    def _read(self) -> None:
        try:
            while not self._stopping:
                if events := self._engine.next_events(0.5):
                    self._deliver(events)
        except Exception as error:  # whatever the core raises ends the engine, not the chats
            if not self._stopping:
                self._broken(error)
