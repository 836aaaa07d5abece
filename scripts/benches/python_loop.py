"""A chat's loop written plainly in Python: what the core in Rust is measured against.

It does what the core does for one chat: render the template, tokenize, prefill in chunks over a
cache bound in place, decode, sample with numpy, detokenize and find the end. It is written as one
would write it who cares for speed: inputs and caches are bound once, and only what changes is set.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from ours import CONTEXT, THREADS, Messages
from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream

CHUNK = 32  # as the core
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Draw:
    """How an answer is drawn; temperature 0 is greedy."""

    temperature: float = 0.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0


class PythonLoop:
    """One chat at a time over the graph of a model folder."""

    def __init__(self, folder: Path) -> None:
        self._manifest = json.loads((folder / "hearth.json").read_text(encoding="utf-8"))
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.log_severity_level = 3
        options.enable_mem_pattern = False
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._binding = self._session.io_binding()
        self._ids = np.zeros((1, CHUNK), dtype=np.int64)
        self._mask = np.ones((1, CONTEXT), dtype=np.int64)
        self._logits = np.zeros((1, 1, self._manifest["vocab_size"]), dtype=np.float32)
        self._bind("output", "logits", self._logits, self._logits.shape)
        self._caches = []
        shape = (1, self._manifest["kv_heads"], CONTEXT, self._manifest["head_dim"])
        for layer in range(self._manifest["layers"]):
            for part in ("key", "value"):
                cache = np.zeros(shape, dtype=np.float32)
                self._caches.append(cache)  # the binding keeps only its address
                self._bind("input", f"past_key_values.{layer}.{part}", cache, shape)
                self._bind("output", f"present.{layer}.{part}", cache, shape)

    def decode_rate(self, messages: Messages, tokens: int, draw: Draw) -> float:
        """Give the tokens a second of an answer of so many tokens, after its first."""
        times = [time.perf_counter() for _ in self.answer(messages, tokens, draw)]
        return (len(times) - 1) / (times[-1] - times[0])

    def answer(self, messages: Messages, tokens: int, draw: Draw) -> Iterator[str]:
        """Give the text of each of so many tokens; a stop token is one like others."""
        prompt = self._tokenizer.encode(render(messages), add_special_tokens=False).ids
        length = 0
        for start in range(0, len(prompt), CHUNK):
            chunk = prompt[start : start + CHUNK]
            length += len(chunk)
            self._step(chunk, length)
        stream, random = DecodeStream(skip_special_tokens=True), np.random.default_rng(0)
        seen = list(prompt)
        for count in range(1, tokens + 1):
            token = sample(self._logits[0, 0], seen, draw, random)
            seen.append(token)
            yield stream.step(self._tokenizer, token) or ""
            if count < tokens:
                length += 1
                self._step([token], length)

    def forced(self, tokens: Sequence[int]) -> Iterator[Floats]:
        """Give the logits [vocab] after each of `tokens`, fed one by one."""
        for length, token in enumerate(tokens, 1):
            self._step([token], length)
            yield self._logits[0, 0].copy()

    def _step(self, tokens: list[int], length: int) -> None:
        self._ids[0, : len(tokens)] = tokens
        self._bind("input", "input_ids", self._ids, (1, len(tokens)))
        self._bind("input", "attention_mask", self._mask, (1, length))
        self._session.run_with_iobinding(self._binding)

    def _bind(
        self, side: str, name: str, array: npt.NDArray[np.generic], shape: Sequence[int]
    ) -> None:
        bind = self._binding.bind_input if side == "input" else self._binding.bind_output
        bind(name, "cpu", 0, array.dtype.type, shape, array.ctypes.data)


def render(messages: Messages) -> str:
    """Render the embedded model's template (ChatML); a template engine would only add to it."""
    turns = [f"<|im_start|>{role}\n{content}<|im_end|>\n" for role, content in messages]
    return "".join(turns) + "<|im_start|>assistant\n"


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
