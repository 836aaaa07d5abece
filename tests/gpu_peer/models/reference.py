"""A plain forward pass of a GGUF in numpy: slow, and easy to check by eye.

It shares with the exporter only the parsing of the file: what a network does follows from the
tensors and keys that the file has, and from the rules of its architecture as written here. Weights
are dequantised by the `gguf` package; rotary positions are applied the way GGUF files store them
(neighbouring pairs in the architecture `llama`, split halves in all others), so a mistake in the
exporter's reordering of rows shows as a difference.

It computes in float64 unless told otherwise. In float32 its own sums, in whatever order the
machine's BLAS takes them, can be further from the truth than the graph's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gpu_peer.models.config import NetworkConfig
from gpu_peer.models.gguf_config import read_config
from gpu_peer.models.gguf_file import GgufFile

Array = npt.NDArray[np.floating]
Rewrite = Callable[[str, Array], Array]


EXACT = 5e-5
"""What a graph in float32 may be off, where logits are about 1. Measured: up to 1.2e-5. One whose
norms have an epsilon of 1.1e-5 in place of 1e-5 is off by 1e-4 and more."""


def unchanged(name: str, matrix: Array) -> Array:
    """Leave the weights as the file has them."""
    return matrix


@dataclass
class Reference:
    """A network with its weights as matrices [outputs, inputs], and one cache.

    With `rounded`, the input of every matrix product is rounded to int8 in blocks of 32, which is
    what `accuracy_level=4` means: so that this noise, too, is computed without the exported graph.
    `windowed` are the layers with a sliding window, where a model says so itself.
    """

    config: NetworkConfig
    weights: dict[str, Array]
    rounded: bool = False
    windowed: frozenset[int] | None = None
    keys: list[Array] = field(default_factory=list)
    values: list[Array] = field(default_factory=list)

    @classmethod
    def load(
        cls, path: Path, rewrite: Rewrite = unchanged, dtype: npt.DTypeLike = np.float64
    ) -> Reference:
        """Read `path` to compute in `dtype`; `rewrite(name, matrix)` may change matrices first."""
        with GgufFile(path) as gguf:
            config = read_config(gguf)
            weights = {}
            for name, info in gguf.tensors.items():
                tensor = gguf.tensor(name, info.shape)
                weight = rewrite(name, tensor) if tensor.ndim == 2 else tensor
                weights[name] = weight.astype(dtype, copy=False)
        reference = cls(config, weights)
        reference.reset()
        return reference

    def reset(self) -> None:
        """Forget everything read so far."""
        empty = np.zeros((self.config.kv_heads, 0, self.config.head_dim), dtype=np.float32)
        self.keys = [empty] * self.config.layers
        self.values = [empty] * self.config.layers

    def logits(self, tokens: list[int]) -> Array:
        """Append `tokens` to the cache and return the logits after each: [tokens, vocab]."""
        hidden = self.weights["token_embd.weight"][tokens]
        if self._is_gemma:
            hidden = hidden * np.sqrt(np.float32(self.config.hidden))
        for layer in range(self.config.layers):
            block = f"blk.{layer}"
            step = self._attention(layer, self._norm(f"{block}.attn_norm", hidden))
            hidden = hidden + self._post_norm(f"{block}.post_attention_norm", step)
            step = self._feed_forward(layer, self._norm(f"{block}.ffn_norm", hidden))
            hidden = hidden + self._post_norm(f"{block}.post_ffw_norm", step)
        output = "output" if "output.weight" in self.weights else "token_embd"
        logits = self._product(self._norm("output_norm", hidden), output)
        return _capped(logits, self.config.logit_cap)

    def greedy(self, prompt: list[int], count: int) -> tuple[list[int], Array]:
        """Return `count` tokens after `prompt`, and the logits that each was taken from."""
        self.reset()
        rows = [self.logits(prompt)[-1]]
        tokens = [int(rows[0].argmax())]
        while len(tokens) < count:
            rows.append(self.logits(tokens[-1:])[-1])
            tokens.append(int(rows[-1].argmax()))
        return tokens, np.stack(rows)

    def forced(self, prompt: list[int], answer: list[int]) -> Array:
        """Return the logits before each token of `answer`, given the ones before it."""
        self.reset()
        return self.logits(prompt + answer[:-1])[len(prompt) - 1 :]

    def _norm(self, name: str, hidden: Array) -> Array:
        mean = np.mean(hidden * hidden, axis=-1, keepdims=True)
        scaled = hidden / np.sqrt(mean + np.float32(self.config.norm_epsilon))
        return np.asarray(scaled * self.weights[f"{name}.weight"])

    def _feed_forward(self, layer: int, hidden: Array) -> Array:
        gate = self._product(hidden, f"blk.{layer}.ffn_gate")
        up = self._product(hidden, f"blk.{layer}.ffn_up")
        if self._is_gemma:
            inner = np.sqrt(2 / np.pi) * (gate + 0.044715 * gate**3)
            gated = 0.5 * gate * (1 + np.tanh(inner))
        else:
            gated = gate / (1 + np.exp(-gate))
        return self._product(np.asarray(gated * up, hidden.dtype), f"blk.{layer}.ffn_down")

    def _attention(self, layer: int, hidden: Array) -> Array:
        config = self.config
        past = self.keys[layer].shape[1]
        query = self._rotate(layer, self._heads(layer, "attn_q", hidden, config.heads), past)
        key = self._rotate(layer, self._heads(layer, "attn_k", hidden, config.kv_heads), past)
        value = self._heads(layer, "attn_v", hidden, config.kv_heads)
        self.keys[layer] = np.concatenate([self.keys[layer], key], axis=1)
        self.values[layer] = np.concatenate([self.values[layer], value], axis=1)
        group = config.heads // config.kv_heads
        keys = np.repeat(self.keys[layer], group, axis=0)
        scores = query @ keys.swapaxes(1, 2) / np.sqrt(np.float32(config.head_dim))
        scores = _capped(scores, config.attention_cap)
        positions = np.arange(past + len(hidden))
        age = positions[past:, None] - positions[None, :]
        scores[:, age < 0] = -np.inf
        if self._sees_a_window(layer):
            scores[:, age >= config.window] = -np.inf
        scores -= scores.max(axis=-1, keepdims=True)
        weights = np.exp(scores)
        weights /= weights.sum(axis=-1, keepdims=True)
        mixed = weights @ np.repeat(self.values[layer], group, axis=0)
        joined = mixed.swapaxes(0, 1).reshape(len(hidden), config.query_width)
        return self._product(joined, f"blk.{layer}.attn_output")

    def _heads(self, layer: int, part: str, hidden: Array, heads: int) -> Array:
        flat = self._product(hidden, f"blk.{layer}.{part}")
        flat = flat + self.weights.get(f"blk.{layer}.{part}.bias", np.float32(0))
        apart = flat.reshape(len(hidden), heads, self.config.head_dim).swapaxes(0, 1)
        return self._post_norm(f"blk.{layer}.{part}_norm", apart)

    def _product(self, hidden: Array, name: str) -> Array:
        if self.rounded:
            blocks = hidden.reshape(len(hidden), -1, 32)
            scales = np.abs(blocks).max(axis=-1, keepdims=True) / 127
            hidden = (np.rint(blocks / np.maximum(scales, 1e-30)) * scales).reshape(hidden.shape)
        return np.asarray(hidden @ self.weights[f"{name}.weight"].T)

    def _rotate(self, layer: int, heads: Array, past: int) -> Array:
        """Rotate [heads, tokens, head_dim] by their positions."""
        half = np.arange(self.config.head_dim // 2)
        if self.config.architecture == "gemma3" and self._sees_a_window(layer):
            frequencies = 10_000.0 ** (-2.0 * half / self.config.head_dim)
        else:
            rotary = self.config.rotary
            frequencies = rotary.base ** (-2.0 * half / self.config.head_dim) / rotary.factor
            frequencies = frequencies / self.weights.get("rope_freqs.weight", np.float32(1))
        angles = np.outer(np.arange(past, past + heads.shape[1]), frequencies)
        cosines, sines = np.cos(angles).astype(heads.dtype), np.sin(angles).astype(heads.dtype)
        middle = self.config.head_dim // 2
        pairs = self.config.architecture == "llama"
        first = np.s_[..., 0::2] if pairs else np.s_[..., :middle]
        second = np.s_[..., 1::2] if pairs else np.s_[..., middle:]
        turned = np.empty_like(heads)
        turned[first] = heads[first] * cosines - heads[second] * sines
        turned[second] = heads[first] * sines + heads[second] * cosines
        return turned

    def _sees_a_window(self, layer: int) -> bool:
        """Gemma 2: every second layer, from the first. Gemma 3: five of six. Else `windowed`."""
        if self.windowed is not None:
            return layer in self.windowed
        every = {"gemma2": 2, "gemma3": 6}.get(self.config.architecture, 1)
        return layer % every < every - 1

    @property
    def _is_gemma(self) -> bool:
        return self.config.architecture.startswith("gemma")

    def _post_norm(self, name: str, hidden: Array) -> Array:
        return self._norm(name, hidden) if f"{name}.weight" in self.weights else hidden


def _capped(values: Array, cap: float) -> Array:
    return np.asarray(np.tanh(values / cap) * cap, values.dtype) if cap else values
