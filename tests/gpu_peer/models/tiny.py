"""A random Llama-family GGUF of a few kilobytes, with a byte-level tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter
from gguf.quants import quantize

LAYERS, HIDDEN, HEADS, KV_HEADS, HEAD_DIM, WIDE, CONTEXT = 2, 64, 4, 2, 16, 96, 128
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


def write_tiny(
    path: Path,
    *,
    kind: GGMLQuantizationType = GGMLQuantizationType.Q4_1,
    own_output: bool = False,
    change: Mapping[str, Any] | None = None,
    without: frozenset[str] = frozenset(),
) -> Path:
    """Write the file; `change` replaces metadata by key, `without` leaves keys or tensors out."""
    writer = GGUFWriter(path, "llama")
    vocab = tokens()
    metadata: dict[str, Any] = {
        "llama.block_count": LAYERS,
        "llama.context_length": CONTEXT,
        "llama.embedding_length": HIDDEN,
        "llama.feed_forward_length": WIDE,
        "llama.attention.head_count": HEADS,
        "llama.attention.head_count_kv": KV_HEADS,
        "llama.rope.dimension_count": HEAD_DIM,
        "llama.rope.freq_base": 1000.0,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
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
    for name, tensor in _tensors(len(vocab), own_output).items():
        if name in without:
            continue
        if tensor.ndim == 1:
            writer.add_tensor(name, tensor)
            continue
        stored = GGMLQuantizationType.Q8_0 if name == "token_embd.weight" else kind
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


def _tensors(vocab: int, own_output: bool) -> dict[str, np.ndarray]:
    random = np.random.default_rng(7)

    def matrix(rows: int, columns: int) -> np.ndarray:
        return (random.standard_normal((rows, columns)) / np.sqrt(columns)).astype(np.float32)

    def norm() -> np.ndarray:
        return random.uniform(0.5, 1.5, HIDDEN).astype(np.float32)

    tensors = {"token_embd.weight": matrix(vocab, HIDDEN), "output_norm.weight": norm()}
    if own_output:
        tensors["output.weight"] = matrix(vocab, HIDDEN)
    for layer in range(LAYERS):
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
        }
    return tensors
