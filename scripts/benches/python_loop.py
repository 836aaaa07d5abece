"""A chat's loop written in Python: what the core in Rust is measured against.

It does what the core does: render the template, tokenize, prefill in chunks, decode, sample with
numpy, detokenize. `PlainNetwork` is fed as one writes it first, arrays in and arrays out of every
step. `BoundNetwork` is as one writes it who has measured that: inputs and caches are bound once,
only what changes is set, and several chats decode in one run.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime
from ours import CONTEXT, THREADS, Messages
from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream

CHUNK = 32  # as the core
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Draw:
    """How an answer is drawn; temperature 0 is greedy."""

    temperature: float = 0.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0


class Network(Protocol):
    """A graph with a cache of some rows."""

    def prefill(self, row: int, tokens: Sequence[int], past: int) -> Floats:
        """Feed a chunk behind `past` positions; logits [vocab] of the last token."""

    def decode(self, tokens: Sequence[int], pasts: Sequence[int]) -> Floats:
        """Feed one token into each of the first rows; logits [rows, vocab]."""


class PlainNetwork:
    """One row; its cache goes into and comes out of every step."""

    def __init__(self, folder: Path) -> None:
        self._session = open_session(folder)
        self._names = [output.name for output in self._session.get_outputs()]
        manifest = read_manifest(folder)
        shape = (1, manifest["kv_heads"], 0, manifest["head_dim"])
        self._empty = {
            f"past_key_values.{layer}.{part}": np.zeros(shape, dtype=np.float32)
            for layer in range(manifest["layers"])
            for part in ("key", "value")
        }
        self._past = self._empty

    def prefill(self, row: int, tokens: Sequence[int], past: int) -> Floats:
        assert row == 0
        if past == 0:
            self._past = self._empty
        feeds = {
            "input_ids": np.array([tokens], dtype=np.int64),
            "attention_mask": np.ones((1, past + len(tokens)), dtype=np.int64),
            **self._past,
        }
        outputs = dict(zip(self._names, self._session.run(None, feeds), strict=True))
        logits: Floats = outputs.pop("logits")[0, 0]
        self._past = {
            name.replace("present", "past_key_values"): cache for name, cache in outputs.items()
        }
        return logits

    def decode(self, tokens: Sequence[int], pasts: Sequence[int]) -> Floats:
        return self.prefill(0, tokens, pasts[0])[None]


class BoundNetwork:
    """So many rows of one cache, bound in place."""

    def __init__(self, folder: Path, rows: int = 1) -> None:
        self._session = open_session(folder)
        manifest = read_manifest(folder)
        self._layers: int = manifest["layers"]
        shape = (rows, manifest["kv_heads"], CONTEXT, manifest["head_dim"])
        self._caches = {
            f"{layer}.{part}": np.zeros(shape, dtype=np.float32)
            for layer in range(self._layers)
            for part in ("key", "value")
        }
        self._logits = np.zeros((rows, 1, manifest["vocab_size"]), dtype=np.float32)
        self._together = self._bound(0, rows)
        self._single = [self._bound(row, row + 1) for row in range(rows)]

    def prefill(self, row: int, tokens: Sequence[int], past: int) -> Floats:
        ids = np.array([tokens], dtype=np.int64)
        mask = np.ones((1, past + len(tokens)), dtype=np.int64)
        self._run(self._single[row], ids, mask)
        logits: Floats = self._logits[row, 0]
        return logits

    def decode(self, tokens: Sequence[int], pasts: Sequence[int]) -> Floats:
        ids = np.array(tokens, dtype=np.int64)[:, None]
        lengths = np.array(pasts)[:, None] + 1
        mask = (np.arange(lengths.max()) < lengths).astype(np.int64)
        self._run(self._together, ids, mask)
        logits: Floats = self._logits[:, 0]
        return logits

    def _run(self, binding: onnxruntime.IOBinding, ids: Ints, mask: Ints) -> None:
        bind(binding.bind_input, "input_ids", ids)
        bind(binding.bind_input, "attention_mask", mask)
        self._session.run_with_iobinding(binding)

    def _bound(self, first: int, end: int) -> onnxruntime.IOBinding:
        binding = self._session.io_binding()
        bind(binding.bind_output, "logits", self._logits[first:end])
        for name, cache in self._caches.items():
            bind(binding.bind_input, f"past_key_values.{name}", cache[first:end])
            bind(binding.bind_output, f"present.{name}", cache[first:end])
        return binding


class PythonLoop:
    """Answers chats over a network, those asked together in one step each."""

    def __init__(self, folder: Path, network: Network) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._network = network

    def decode_rate(self, questions: Sequence[Messages], tokens: int, draw: Draw) -> float:
        """Give all chats' tokens a second, after the first of each."""
        times = [time.perf_counter() for _ in self.answers(questions, tokens, draw)]
        return len(questions) * (len(times) - 1) / (times[-1] - times[0])

    def answers(
        self, questions: Sequence[Messages], tokens: int, draw: Draw
    ) -> Iterator[list[str]]:
        """Give the next text of each, so many times; a stop token is one like others."""
        chats = [Chat(self._tokenizer, messages, draw) for messages in questions]
        for row, chat in enumerate(chats):
            for past in range(0, len(chat.seen), CHUNK):
                logits = self._network.prefill(row, chat.seen[past : past + CHUNK], past)
            chat.take(logits)
        yield [chat.text for chat in chats]
        for _ in range(tokens - 1):
            rows = self._network.decode(
                [chat.seen[-1] for chat in chats], [len(chat.seen) - 1 for chat in chats]
            )
            for chat, logits in zip(chats, rows, strict=True):
                chat.take(logits)
            yield [chat.text for chat in chats]


class Chat:
    """What one chat has fed and said."""

    def __init__(self, tokenizer: Tokenizer, messages: Messages, draw: Draw) -> None:
        self._tokenizer, self._draw = tokenizer, draw
        self._stream = DecodeStream(skip_special_tokens=True)
        self._random = np.random.default_rng(0)
        self.seen: list[int] = tokenizer.encode(render(messages), add_special_tokens=False).ids
        self.text = ""

    def take(self, logits: Floats) -> None:
        token = sample(logits, self.seen, self._draw, self._random)
        self.seen.append(token)
        self.text = self._stream.step(self._tokenizer, token) or ""


def forced(network: Network, tokens: Sequence[int]) -> Iterator[Floats]:
    """Give the logits [vocab] after each of `tokens`, fed one by one."""
    for past, token in enumerate(tokens):
        yield network.decode([token], [past])[0].copy()


def sample(logits: Floats, seen: list[int], draw: Draw, random: np.random.Generator) -> int:
    """Draw a token: repetition penalty over prompt and answer, temperature, min-p."""
    if draw.repetition_penalty != 1:
        ids = np.unique(seen)
        known = logits[ids]
        punished = np.where(
            known < 0, known * draw.repetition_penalty, known / draw.repetition_penalty
        )
        logits[ids] = punished
    if draw.temperature == 0:
        return int(logits.argmax())
    weights = np.exp((logits - logits.max()) / draw.temperature)
    kept = np.flatnonzero(weights >= draw.min_p)  # the likeliest has weight 1
    chances = weights[kept].astype(np.float64)
    return int(random.choice(kept, p=chances / chances.sum()))


def render(messages: Messages) -> str:
    """Render the embedded model's template (ChatML); a template engine would only add to it."""
    turns = [f"<|im_start|>{role}\n{content}<|im_end|>\n" for role, content in messages]
    return "".join(turns) + "<|im_start|>assistant\n"


def open_session(folder: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.log_severity_level = 3
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    model = str(folder / "model.onnx")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def read_manifest(folder: Path) -> dict[str, int]:
    manifest: dict[str, int] = json.loads((folder / "hearth.json").read_text(encoding="utf-8"))
    return manifest


def bind(side: object, name: str, array: npt.NDArray[np.generic]) -> None:
    # It keeps the address alone: whoever binds an array keeps it until the run is over.
    side(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)  # type: ignore[operator]
