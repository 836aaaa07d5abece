"""The inference core in Rust, as an `Engine`."""

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from gpu_peer import _rust_trt as core
from gpu_peer.chat.conversation import Turn
from gpu_peer.devices.cache import MadeFor, fresh_cache
from gpu_peer.devices.choice import PassedOver, choose, too_little_memory
from gpu_peer.devices.machine import AskedDevice, Card, Device, Machine, Packages
from gpu_peer.devices.memory import needed_bytes, rows_that_fit
from gpu_peer.engine import EngineEvent, GenerationEnd, ModelInfo, TextPiece
from gpu_peer.errors import DeviceUnavailable, EngineUnavailable, GenerationRefused
from gpu_peer.models.errors import ModelError
from gpu_peer.models.folder import read_manifest
from gpu_peer.models.precision import DtypeName
from gpu_peer.tensorrt.graph import fatal_node
from gpu_peer.tensorrt.libraries import provider_library
from protocol.errors import ErrorCode

TEMPERATURE = 0.2
MIN_P = 0.1
REPETITION_PENALTY = 1.1
"""A small model rambles at higher temperatures, and runs in circles without the penalty."""

DTYPES: dict[Device, DtypeName] = {"tensorrt": "f16", "cuda": "f16", "cpu": "f32"}
"""What each device computes in."""

MAX_ACTIVE = 8
"""Answers at the same time, as far as the card's memory allows."""

_NEXT_DEVICE = frozenset({"device_unavailable", "memory_short"})
"""What the core says when another device may do."""

log = structlog.get_logger()

_CODES: dict[str, ErrorCode] = {"context_full": "context_full", "engine_busy": "engine_busy"}


class RustEngine:
    """See `Engine`."""

    def __init__(
        self, engine: core.Engine, max_tokens: int, passed_over: tuple[PassedOver, ...] = ()
    ) -> None:
        self._engine = engine
        self._passed_over = passed_over
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
            self._passed_over,
        )

    def count_tokens(self, prompt: Sequence[Turn], begun: str = "") -> int:
        """See `Engine`."""
        try:
            return self._engine.count_tokens(prompt, begun)
        except core.EngineError:
            raise GenerationRefused("model_failed") from None

    def submit(self, generation: str, prompt: Sequence[Turn], owner: str, begun: str = "") -> None:
        """See `Engine`."""
        try:
            self._engine.submit(generation, prompt, self._sampling, owner=owner, begun=begun)
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


@dataclass(frozen=True)
class Settings:
    """How to load.

    Attributes:
        device: What was asked for.
        threads: Of the CPU; 0 takes one for each physical core.
        context_length: Tokens of one conversation, as far as the model allows.
        max_tokens: Longest answer.
        cache: Folder for what TensorRT compiles for the card.
    """

    device: AskedDevice
    threads: int
    context_length: int
    max_tokens: int
    cache: Path


def load_engine(
    folder_for: Callable[[DtypeName], Path],
    settings: Settings,
    machine: Machine,
    packages: Packages,
) -> RustEngine:
    """Load the model on the best device that takes it; blocks for as long as reading it takes.

    Args:
        folder_for: Gives the model folder for a type of activations, converting where needed.
        settings: How to load.
        machine: The cards there are.
        packages: What is installed for them.

    Raises:
        DeviceUnavailable: a device was asked for by name and cannot be had.
        EngineUnavailable: the runtime or the model is not there or not usable.
    """
    choice = choose(machine, packages, settings.device)
    passed_over = list(choice.passed_over)
    for one in passed_over:
        log.info("device_passed_over", device=one.device, reason=one.reason)
    for device in choice.devices:
        try:
            engine = _load(device, folder_for(DTYPES[device]), settings, machine, packages)
            return RustEngine(engine, settings.max_tokens, tuple(passed_over))
        except core.EngineError as error:
            if device == "cpu" or error.code not in _NEXT_DEVICE:
                raise EngineUnavailable(str(error)) from None
            reason = str(error)
        except _DoesNotSuit as error:
            reason = str(error)
        if settings.device != "auto":
            raise DeviceUnavailable(f"HEARTH_DEVICE={device} cannot be had. {reason}")
        log.warning("device_passed_over", device=device, reason=reason)
        passed_over.append(PassedOver(device, reason))
    raise EngineUnavailable("No device is left to compute on. Set HEARTH_DEVICE=cpu.")


class _DoesNotSuit(Exception):
    """The model folder and the device do not go together; the text is a sentence."""


def _load(
    device: Device, folder: Path, settings: Settings, machine: Machine, packages: Packages
) -> core.Engine:
    options: dict[str, Any] = (
        {} if device == "cpu" else _on_card(folder, settings, machine.cards[0])
    )
    if device == "tensorrt":
        if (node := fatal_node(folder / "model.onnx")) is not None:
            raise _DoesNotSuit(
                f"TensorRT for RTX would end the process over {node} of {folder}, "
                "whose weights have a form that it does not take. Convert the GGUF file again."
            )
        options |= _for_tensorrt(settings, machine, packages)
    return core.Engine.load(
        str(folder),
        library=str(runtime_library()),
        device=device,
        threads=settings.threads,
        context_length=settings.context_length,
        **options,
    )


def _on_card(folder: Path, settings: Settings, card: Card) -> dict[str, Any]:
    """Check that the model suits the card, and give how many answers it has room for."""
    try:
        manifest = read_manifest(folder)
    except ModelError:
        return {}  # the core says what is wrong with the folder
    if manifest.get("kv_dtype") != "f16":
        raise _DoesNotSuit(
            f"The model folder {folder} computes in float32, which is for the CPU. "
            "Set HEARTH_MODEL to the GGUF file, or convert it with --dtype f16."
        )
    context = settings.context_length
    if shortage := too_little_memory(card, needed_bytes(manifest, context)):
        raise _DoesNotSuit(shortage)
    return {"max_active": rows_that_fit(card.free_bytes, manifest, context, MAX_ACTIVE)}


def _for_tensorrt(settings: Settings, machine: Machine, packages: Packages) -> dict[str, Any]:
    library = provider_library()
    if library is None:
        raise _DoesNotSuit(
            "The package of TensorRT for RTX has lost its library. Install it anew: "
            "pip install --force-reinstall 'hearth[tensorrt]'"
        )
    card = machine.cards[0]
    made_for = MadeFor(
        card=card.name,
        capability=card.capability_text,
        driver=machine.driver or "",
        provider=packages.tensorrt or "",
    )
    try:
        if stale := fresh_cache(settings.cache, made_for):
            log.info("kernels_compiled_again", reason=stale)
    except OSError as error:
        log.warning("kernels_not_kept", reason=error.strerror or type(error).__name__)
        return {"provider_library": str(library)}
    return {"provider_library": str(library), "provider_cache": str(settings.cache)}


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
