"""The inference core, written in Rust (`rust_trt/`).

A model folder goes in, text comes out. One thread of the engine computes all
generations, those that answer together; callers submit, cancel and take batches of events. No call
holds the GIL while it waits or computes, and no error, `repr` or log of this
module ever holds a word of a conversation.
"""

from collections.abc import Mapping, Sequence
from os import PathLike
from types import TracebackType
from typing import ClassVar, Literal, Self, final

__all__ = [
    "ContextFull",
    "DeviceUnavailable",
    "DuplicateGeneration",
    "Engine",
    "EngineBusy",
    "EngineClosed",
    "EngineError",
    "GenerationEnd",
    "InferenceFailed",
    "InvalidMessages",
    "InvalidSampling",
    "MemoryShort",
    "ModelDamaged",
    "ModelInfo",
    "ModelMissing",
    "ModelUnsupported",
    "RuntimeMissing",
    "Sampling",
    "TextPiece",
]

class EngineError(Exception):
    """Base of all errors of the engine. `str(error)` is a sentence a user can act on."""

    code: ClassVar[str]
    """Stable code of this kind of error, for the wire."""

class ModelMissing(EngineError):
    """`model_missing`: the model folder or one of its files does not exist."""

class ModelDamaged(EngineError):
    """`model_damaged`: a file of the model folder is cut off or contradicts the others."""

class ModelUnsupported(EngineError):
    """`model_unsupported`: the model folder is whole, but this version cannot run it."""

class RuntimeMissing(EngineError):
    """`runtime_missing`: ONNX Runtime is not there, not loadable or too old."""

class DeviceUnavailable(EngineError):
    """`device_unavailable`: the device asked for does not exist or cannot be used."""

class MemoryShort(EngineError):
    """`memory_short`: the caches do not fit into the memory there is or the memory allowed."""

class ContextFull(EngineError):
    """`context_full`: the prompt leaves no room for an answer; tokens and limit are named."""

class InvalidSampling(EngineError):
    """`invalid_sampling`: a sampling parameter is out of its range; the field is named."""

class InvalidMessages(EngineError):
    """`invalid_messages`: no messages, an unknown role, or the chat template refuses them."""

class DuplicateGeneration(EngineError):
    """`duplicate_generation`: a generation with this id is waiting or running."""

class EngineBusy(EngineError):
    """`engine_busy`: `max_active + max_waiting` generations are waiting or running."""

class EngineClosed(EngineError):
    """`engine_closed`: the engine was closed or stopped after an internal error."""

class InferenceFailed(EngineError):
    """`inference_failed`: ONNX Runtime failed while computing."""

@final
class ModelInfo:
    """What was loaded."""

    @property
    def name(self) -> str:
        """Name for people."""

    @property
    def architecture(self) -> str:
        """Model family, such as `llama`."""

    @property
    def context_length(self) -> int:
        """Tokens of prompt and answer together, as in use."""

    @property
    def vocab_size(self) -> int:
        """Width of the logits."""

    @property
    def device(self) -> str:
        """Device in use: `cpu`, `cuda` or `tensorrt`; `emulated` in tests."""

    @property
    def threads(self) -> int:
        """Threads that compute."""

    @property
    def decodes_together(self) -> bool:
        """Whether answers that run at the same time are computed together.

        They are where that gives each the same bits as alone; else they take turns.
        """

@final
class Sampling:
    """How an answer is drawn. Immutable; checked when it is made.

    Order and definitions are Hugging Face's: bias, repetition penalty (over prompt
    and answer), temperature, top-k, top-p, min-p, draw.
    """

    def __new__(
        cls,
        *,
        max_tokens: int | None = None,
        temperature: float = 0.0,
        top_k: int | None = None,
        top_p: float = 1.0,
        min_p: float = 0.0,
        repetition_penalty: float = 1.0,
        seed: int | None = None,
        stop: Sequence[str] = ...,
        logit_bias: dict[int, float] | None = None,
        min_tokens: int | None = None,
        ignore_eos: bool = False,
        json_schema: str | Mapping[str, object] | None = None,
    ) -> Self:
        """Check the parameters.

        Args:
            max_tokens: longest answer, 1 to 2**20; `None` is 1024.
            temperature: 0 takes the likeliest token, else 0 to 100.
            top_k: keep that many likeliest tokens; 0 or `None` keeps all.
            top_p: keep the likeliest tokens of that much probability, over 0 to 1.
            min_p: keep tokens at least that likely relative to the likeliest, 0 to 1.
            repetition_penalty: over 0 to 10; 1 is none.
            seed: 0 to 2**64 - 1; the same seed, prompt and device give the same
                answer, whatever runs beside it. `None` draws a seed.
            stop: at most 16 strings of 1 to 256 bytes that end the answer and are
                not part of it.
            logit_bias: added to the logits of at most 1024 tokens, -100 to 100.
            min_tokens: draw no stop token before that many, 0 to `max_tokens`; `None`
                is 0. A stop string ends the answer all the same.
            ignore_eos: treat a stop token as any other. For benches.
            json_schema: JSON Schema (draft 2020-12), at most 64 KiB, that the answer follows;
                it is JSON then and nothing else. It wins over every setting that moves logits,
                over `min_tokens` and over `ignore_eos`: the answer ends where nothing can
                follow. A stop string, `max_tokens` or the end of the context cut it all the
                same: such an answer is not whole, and only a reason other than `stop`, or the
                caller's own stop string, says so. Unsupported keywords are refused, not
                ignored.

        Raises:
            InvalidSampling: a parameter is out of its range; the field is named.
        """

    @property
    def max_tokens(self) -> int:
        """Longest answer in tokens."""

    @property
    def temperature(self) -> float:
        """Temperature; 0 is greedy."""

    @property
    def seed(self) -> int | None:
        """Seed, if one was given."""

@final
class TextPiece:
    """Text that became certain. Never empty, never ends within a character."""

    @property
    def generation_id(self) -> str:
        """Whose text."""

    @property
    def text(self) -> str:
        """The text."""

    @property
    def tokens(self) -> int:
        """Tokens that were generated since the last piece."""

@final
class GenerationEnd:
    """The last event of every generation."""

    @property
    def generation_id(self) -> str:
        """Which one."""

    @property
    def reason(self) -> Literal["stop", "length", "cancelled", "failed"]:
        """Stop token or stop string; `max_tokens` or the context; `cancel` or `close`; an error."""

    @property
    def error_code(self) -> str | None:
        """Code of the error, if it failed."""

    @property
    def error_message(self) -> str | None:
        """Sentence for the user, if it failed."""

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the prompt, template included."""

    @property
    def cached_tokens(self) -> int:
        """How many of them did not have to be computed: an earlier prompt began with them."""

    @property
    def completion_tokens(self) -> int:
        """Tokens generated, less the stop token. At least the sum of all pieces' `tokens`."""

    @property
    def queue_s(self) -> float:
        """Seconds from `submit` to the first step."""

    @property
    def prefill_s(self) -> float:
        """Seconds from the first step to the first token."""

    @property
    def decode_s(self) -> float:
        """Seconds from the first token to the end."""

@final
class Engine:
    """A loaded model and the thread that computes it. Thread-safe."""

    @staticmethod
    def load(
        folder: str | PathLike[str],
        *,
        library: str | PathLike[str],
        device: str = "cpu",
        provider_library: str | PathLike[str] | None = None,
        provider_cache: str | PathLike[str] | None = None,
        threads: int = 0,
        context_length: int = 0,
        max_active: int = 8,
        max_waiting: int = 32,
        cache_bytes: int = 0,
    ) -> Engine:
        """Load a model folder; takes about a second per 100 MB.

        Args:
            folder: model folder with `hearth.json`.
            library: ONNX Runtime's shared library. A process can use only one.
            device: `cpu`, `cuda` or `tensorrt`. On a card the cache is taken whole at once,
                from its memory. `emulated` is the processor, treated like a card, for tests.
            provider_library: the library of the device's execution provider. `tensorrt` needs
                one; that of `cuda` is looked for beside `library`.
            provider_cache: folder for what `tensorrt` compiles for the card; made when missing.
                The next start is faster with it.
            threads: threads to compute with; 0 is one for each physical core.
            context_length: tokens of prompt and answer together; 0 is 4096. Never
                beyond the model's own.
            max_active: generations that are computed at a time; each has a row of the
                cache.
            max_waiting: generations that may wait beside them.
            cache_bytes: most memory for keys and values; 0 is what `max_active` rows
                of `context_length` take. Rows keep ended chats, and more rows keep more
                of them. Memory is only taken for positions that were filled once.

        Raises:
            ModelMissing, ModelDamaged, ModelUnsupported, RuntimeMissing
            DeviceUnavailable: no such device, its provider does not load or finds no card, or
                the card cannot take the model. Another device may.
            MemoryShort: `cache_bytes` has no room for `max_active` rows, or the system
                or the card gave no memory.
        """

    @property
    def info(self) -> ModelInfo:
        """What was loaded."""

    def count_tokens(self, messages: Sequence[tuple[str, str]], begun: str = "") -> int:
        """Tokens of a conversation, template included, and of an answer that began with `begun`.

        Raises:
            InvalidMessages, ModelUnsupported: as `submit`.
        """

    def encode_chat(self, messages: Sequence[tuple[str, str]], begun: str = "") -> list[int]:
        """Token ids of a conversation up to where the answer goes on, as `submit` feeds them.

        Raises:
            InvalidMessages, ModelUnsupported: as `submit`.
        """

    def tokenize(self, text: str) -> list[int]:
        """Token ids of a text, in which control tokens are recognised; nothing is added."""

    def detokenize(self, ids: Sequence[int]) -> str:
        """Text of token ids; control tokens and unknown ids are left out."""

    def submit(
        self,
        generation_id: str,
        messages: Sequence[tuple[str, str]],
        sampling: Sampling,
        *,
        owner: str | None = None,
        begun: str = "",
    ) -> int:
        """Queue an answer and return the prompt's tokens. Never waits for inference.

        Args:
            generation_id: made by the caller; free again after its `GenerationEnd`.
            messages: (role, content), the role `system`, `user` or `assistant`. The
                text of a control token inside a content stays text.
            sampling: how to draw.
            owner: for whom it is. Where answers have to wait, the owner with the fewest
                running ones is next.
            begun: the text that the answer begins with. Only what follows it comes out, as if
                it had been generated: a stop string may have begun in it, and the repetition
                penalty counts it, as do the prompt's tokens. `max_tokens` and `min_tokens` count
                what follows. With it the context may be full already: then the answer ends at
                once, for its length.

        Raises:
            ContextFull, EngineBusy, DuplicateGeneration, EngineClosed
            InvalidMessages: no messages, an unknown role, or the template refuses them.
            InvalidSampling: a bias for a token that the model does not have, or a
                `json_schema` that cannot be enforced, or is given with `begun`.
            ModelUnsupported: the chat template fails or does not end.
        """

    def cancel(self, generation_id: str) -> bool:
        """Cancel a generation; `False` when it is not live.

        At most one more token is given out; then its `GenerationEnd` follows.
        """

    def next_events(self, timeout_s: float) -> list[TextPiece | GenerationEnd]:
        """Take all events there are, waiting for the first, or nothing after `timeout_s`.

        Text that nobody took is joined: a piece may stand for many tokens.

        Raises:
            EngineClosed: after the last event of a closed engine.
            ValueError: `timeout_s` is negative or not a number.
        """

    def logits(self, token_ids: Sequence[int], *, chunk: int = 0) -> bytes:
        """Logits after `token_ids`: `vocab_size` native float32. For tests and benches.

        Runs between the steps of running answers. `chunk` tokens are fed a step; 0
        feeds as many as a prompt, 1 decodes.

        Raises:
            ContextFull, InferenceFailed, EngineClosed
            InvalidMessages: no ids, or an unknown one.
        """

    def logits_together(self, sequences: Sequence[Sequence[int]]) -> bytes:
        """Logits after each of the sequences, `[len(sequences), vocab_size]` native float32.

        Each is fed as a prompt but for its last token; that one is decoded for all of
        them in one step. Ended chats may have to be computed again. For tests and benches.

        Raises:
            EngineBusy: answers are running, or there are more sequences than rows.
            ContextFull, InferenceFailed, EngineClosed, InvalidMessages: as `logits`.
        """

    def close(self) -> None:
        """End all generations as cancelled and wait for the thread. May be called again."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
