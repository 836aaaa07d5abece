"""Random GGUFs of a few kilobytes, one for each family, with a byte-level tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter
from gguf.quants import quantize

LAYERS, HIDDEN, HEADS, KV_HEADS, HEAD_DIM, WIDE, CONTEXT = 2, 64, 4, 2, 16, 96, 128
WINDOW = 9
ROPE_BASE = 1000.0
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MERGES = ["h e", "l l", "he ll", "hell o", "1 2"]
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
)


def byte_alphabet() -> list[str]:
    """The 256 characters that GPT-2's byte-level BPE writes bytes as, in byte order."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return [chr(byte if byte in shown else 256 + hidden.index(byte)) for byte in range(256)]


def tokens() -> list[str]:
    """Special tokens, then bytes, then the results of the merges."""
    return [*SPECIAL, *byte_alphabet(), *(merge.replace(" ", "") for merge in MERGES)]


@dataclass(frozen=True)
class Kind:
    """A family of tiny networks.

    Attributes:
        architecture: As in `general.architecture`.
        metadata: Beside what every family has; keys without the architecture's name.
        layers: Transformer blocks.
        tensors: Parts of a block beside what every family has, and their widths.
        pairs: The factors in `rope_freqs.weight`, where the family has them.
    """

    architecture: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    layers: int = LAYERS
    tensors: Mapping[str, int] = field(default_factory=dict)
    pairs: tuple[float, ...] = ()


LLAMA3 = {
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 128,
}


def _llama3_pairs() -> tuple[float, ...]:
    """What each pair's frequency is divided by, from the lengths of the waves in positions."""
    factors = []
    for pair in range(HEAD_DIM // 2):
        wave = 2 * np.pi * ROPE_BASE ** (2 * pair / HEAD_DIM)
        low, high = LLAMA3["low_freq_factor"], LLAMA3["high_freq_factor"]
        turns = LLAMA3["original_max_position_embeddings"] / wave
        if turns > high:
            factors.append(1.0)
        elif turns < low:
            factors.append(LLAMA3["factor"])
        else:
            smooth = (turns - low) / (high - low)
            factors.append(1 / ((1 - smooth) / LLAMA3["factor"] + smooth))
    assert len(set(factors)) > 3, "some pairs are in between"
    return tuple(factors)


_QUERY, _KEY = HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM
_BIASES = {"attn_q.bias": _QUERY, "attn_k.bias": _KEY, "attn_v.bias": _KEY}
_HEAD_NORMS = {"attn_q_norm.weight": HEAD_DIM, "attn_k_norm.weight": HEAD_DIM}
_POST_NORMS = {"post_attention_norm.weight": HIDDEN, "post_ffw_norm.weight": HIDDEN}
FAMILIES = {
    "llama": Kind("llama"),
    "llama3": Kind("llama", pairs=_llama3_pairs()),
    "linear": Kind("llama", {"rope.scaling.type": "linear", "rope.scaling.factor": 4.0}),
    "qwen2": Kind("qwen2", tensors=_BIASES),
    "qwen3": Kind("qwen3", tensors=_HEAD_NORMS),
    "gemma2": Kind(
        "gemma2",
        {
            "attention.sliding_window": WINDOW,
            "attn_logit_softcapping": 3.0,
            "final_logit_softcapping": 2.0,
        },
        tensors=_POST_NORMS,
    ),
    "gemma3": Kind(
        "gemma3",
        {
            "attention.sliding_window": WINDOW,
            "rope.scaling.type": "linear",
            "rope.scaling.factor": 2.0,
        },
        layers=6,
        tensors=_HEAD_NORMS | _POST_NORMS,
    ),
}


def write_tiny(
    path: Path,
    *,
    family: str = "llama",
    kind: GGMLQuantizationType = GGMLQuantizationType.Q4_1,
    kinds: Mapping[str, GGMLQuantizationType] | None = None,
    own_output: bool = False,
    change: Mapping[str, Any] | None = None,
    without: frozenset[str] = frozenset(),
) -> Path:
    """Write the file.

    Matrices are stored as `kind`, single ones as `kinds` says, the embedding as Q8_0. `change`
    replaces metadata by key, `without` leaves keys or tensors out.
    """
    made = FAMILIES[family]
    writer = GGUFWriter(path, made.architecture)
    vocab = tokens()
    network: dict[str, Any] = {
        "block_count": made.layers,
        "context_length": CONTEXT,
        "embedding_length": HIDDEN,
        "feed_forward_length": WIDE,
        "attention.head_count": HEADS,
        "attention.head_count_kv": KV_HEADS,
        "rope.dimension_count": HEAD_DIM,
        "rope.freq_base": ROPE_BASE,
        "attention.layer_norm_rms_epsilon": 1e-5,
        **made.metadata,
    }
    metadata: dict[str, Any] = {
        **{f"{made.architecture}.{key}": value for key, value in network.items()},
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": vocab,
        "tokenizer.ggml.token_type": [3] * len(SPECIAL) + [1] * (len(vocab) - len(SPECIAL)),
        "tokenizer.ggml.merges": MERGES,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.chat_template": TEMPLATE,
        **(change or {}),
    }
    for key, value in metadata.items():
        if key not in without:
            _add(writer, key, value)
    for name, tensor in _tensors(made, len(vocab), own_output).items():
        if name in without:
            continue
        if tensor.ndim == 1:
            writer.add_tensor(name, tensor)
            continue
        outer = GGMLQuantizationType.Q8_0 if name == "token_embd.weight" else kind
        stored = (kinds or {}).get(name, outer)
        writer.add_tensor(name, quantize(tensor, stored), raw_dtype=stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add(writer: GGUFWriter, key: str, value: Any) -> None:
    if isinstance(value, bool):
        writer.add_bool(key, value)
    elif isinstance(value, int):
        writer.add_uint32(key, value)
    elif isinstance(value, float):
        writer.add_float32(key, value)
    elif isinstance(value, str):
        writer.add_string(key, value)
    else:
        writer.add_array(key, value)


def _tensors(made: Kind, vocab: int, own_output: bool) -> dict[str, np.ndarray]:
    random = np.random.default_rng(7)

    def matrix(rows: int, columns: int) -> np.ndarray:
        return (random.standard_normal((rows, columns)) / np.sqrt(columns)).astype(np.float32)

    def norm(width: int = HIDDEN) -> np.ndarray:
        return random.uniform(0.5, 1.5, width).astype(np.float32)

    tensors = {"token_embd.weight": matrix(vocab, HIDDEN), "output_norm.weight": norm()}
    if made.pairs:
        tensors["rope_freqs.weight"] = np.array(made.pairs, dtype=np.float32)
    if own_output:
        tensors["output.weight"] = matrix(vocab, HIDDEN)
    for layer in range(made.layers):
        prefix = f"blk.{layer}"
        tensors |= {
            f"{prefix}.attn_norm.weight": norm(),
            f"{prefix}.ffn_norm.weight": norm(),
            f"{prefix}.attn_q.weight": 3 * matrix(HEADS * HEAD_DIM, HIDDEN),
            f"{prefix}.attn_k.weight": 3 * matrix(KV_HEADS * HEAD_DIM, HIDDEN),
            f"{prefix}.attn_v.weight": matrix(KV_HEADS * HEAD_DIM, HIDDEN),
            f"{prefix}.attn_output.weight": matrix(HIDDEN, HEADS * HEAD_DIM),
            f"{prefix}.ffn_gate.weight": matrix(WIDE, HIDDEN),
            f"{prefix}.ffn_up.weight": matrix(WIDE, HIDDEN),
            f"{prefix}.ffn_down.weight": matrix(HIDDEN, WIDE),
            **{f"{prefix}.{part}": norm(width) for part, width in made.tensors.items()},
        }
    return tensors
