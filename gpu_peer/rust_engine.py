"""The inference core in Rust, as an `Engine`."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from gpu_peer import _rust_trt as core
from gpu_peer.chat.conversation import Turn
from gpu_peer.engine import EngineEvent, GenerationEnd, ModelInfo, TextPiece
from gpu_peer.errors import EngineUnavailable, GenerationRefused
from protocol.errors import ErrorCode

TEMPERATURE = 0.2
MIN_P = 0.1
REPETITION_PENALTY = 1.1
"""A small model rambles at higher temperatures, and runs in circles without the penalty."""

_CODES: dict[str, ErrorCode] = {"context_full": "context_full", "engine_busy": "engine_busy"}


class RustEngine:
    """See `Engine`."""

    def __init__(self, engine: core.Engine, max_tokens: int) -> None:
        self._engine = engine
        self._sampling = core.Sampling(
            max_tokens=max_tokens,
            temperature=TEMPERATURE,
            min_p=MIN_P,
            repetition_penalty=REPETITION_PENALTY,
        )

    @property
    def info(self) -> ModelInfo:
        """See `Engine`."""
        info = self._engine.info
        return ModelInfo(
            info.name,
            info.context_length,
            info.device,
            self._sampling.max_tokens,
            info.decodes_together,
        )

    def count_tokens(self, prompt: Sequence[Turn]) -> int:
        """See `Engine`."""
        try:
            return self._engine.count_tokens(prompt)
        except core.EngineError:
            raise GenerationRefused("model_failed") from None

    def submit(self, generation: str, prompt: Sequence[Turn], owner: str) -> None:
        """See `Engine`."""
        try:
            self._engine.submit(generation, prompt, self._sampling, owner=owner)
        except core.EngineError as error:
            raise GenerationRefused(_CODES.get(error.code, "model_failed")) from None

    def cancel(self, generation: str) -> bool:
        """See `Engine`."""
        return self._engine.cancel(generation)

    def next_events(self, timeout_s: float) -> Sequence[EngineEvent]:
        """See `Engine`."""
        try:
            return [_event(event) for event in self._engine.next_events(timeout_s)]
        except core.EngineError as error:
            raise EngineUnavailable(str(error)) from None

    def close(self) -> None:
        """See `Engine`."""
        self._engine.close()


def load_engine(
    folder: Path, *, device: str, threads: int, context_length: int, max_tokens: int
) -> RustEngine:
    """Load a model folder; blocks for as long as reading it takes.

    Raises:
        EngineUnavailable: the runtime, the device or the model is not there or not usable.
    """
    try:
        engine = core.Engine.load(
            str(folder),
            library=str(runtime_library()),
            device="cpu" if device == "auto" else device,
            threads=threads,
            context_length=context_length,
        )
        return RustEngine(engine, max_tokens)
    except core.EngineError as error:
        raise EngineUnavailable(str(error)) from None


def runtime_library() -> Path:
    """Find ONNX Runtime's library in its installed package, without importing that.

    Raises:
        EngineUnavailable: the package is missing, or has no library.
    """
    spec = importlib.util.find_spec("onnxruntime")
    for location in (spec and spec.submodule_search_locations) or ():
        folder = Path(location) / "capi"
        for pattern in ("libonnxruntime.so*", "libonnxruntime.*dylib", "onnxruntime.dll"):
            if found := sorted(folder.glob(pattern)):
                return found[0]
    raise EngineUnavailable("ONNX Runtime is missing. Install it with: pip install onnxruntime")


def _event(event: core.TextPiece | core.GenerationEnd) -> EngineEvent:
    if isinstance(event, core.TextPiece):
        return TextPiece(event.generation_id, event.text)
    return GenerationEnd(
        event.generation_id,
        event.reason,
        prompt_tokens=event.prompt_tokens,
        cached_tokens=event.cached_tokens,
        completion_tokens=event.completion_tokens,
        queue_s=event.queue_s,
        prefill_s=event.prefill_s,
        decode_s=event.decode_s,
        error=event.error_code,
    )
