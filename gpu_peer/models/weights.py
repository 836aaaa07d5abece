"""Reads the weights of a Llama-family GGUF in the row order that the graph wants."""

from __future__ import annotations

import numpy as np
from gguf.constants import GGMLQuantizationType

from gpu_peer.models.config import LlamaConfig
from gpu_peer.models.errors import GgufDamaged
from gpu_peer.models.gguf_file import GgufFile
from gpu_peer.models.graph import LayerWeights
from gpu_peer.models.quantize import (
    Float32Array,
    QuantizedMatrix,
    WeightFormat,
    concatenate,
    quantize,
    repack_q8_0,
)


def read_layer(
    gguf: GgufFile, config: LlamaConfig, index: int, weight_format: WeightFormat
) -> LayerWeights:
    """Return the weights of block `index`, matrices quantised in `weight_format`."""
    prefix = f"blk.{index}"
    hidden, wide = config.hidden, config.intermediate

    def matrix(part: str, rows: int, columns: int) -> QuantizedMatrix:
        return quantize(gguf.tensor(f"{prefix}.{part}.weight", (rows, columns)), weight_format)

    def heads(part: str, count: int) -> QuantizedMatrix:
        stored = gguf.tensor(f"{prefix}.{part}.weight", (count * config.head_dim, hidden))
        return quantize(split_rotary_pairs(stored, count), weight_format)

    return LayerWeights(
        attention_norm=gguf.tensor(f"{prefix}.attn_norm.weight", (hidden,)),
        query_key_value=concatenate(
            [
                heads("attn_q", config.heads),
                heads("attn_k", config.kv_heads),
                matrix("attn_v", config.kv_width, hidden),
            ]
        ),
        attention_output=matrix("attn_output", hidden, config.query_width),
        feed_forward_norm=gguf.tensor(f"{prefix}.ffn_norm.weight", (hidden,)),
        gate_up=concatenate([matrix("ffn_gate", wide, hidden), matrix("ffn_up", wide, hidden)]),
        down=matrix("ffn_down", hidden, wide),
    )


def read_embedding(gguf: GgufFile, config: LlamaConfig) -> QuantizedMatrix:
    """Return the embedding [vocab, hidden] as int8."""
    return _read_int8(gguf, "token_embd.weight", config.vocab, config.hidden)


def read_output(gguf: GgufFile, config: LlamaConfig) -> QuantizedMatrix:
    """Return the output matrix [vocab, hidden] of a network that has its own, as int8."""
    return _read_int8(gguf, "output.weight", config.vocab, config.hidden)


def read_final_norm(gguf: GgufFile, config: LlamaConfig) -> Float32Array:
    """Return the weights [hidden] of the last norm."""
    return gguf.tensor("output_norm.weight", (config.hidden,))


def split_rotary_pairs(matrix: Float32Array, heads: int) -> Float32Array:
    """Reorder the rows of a query or key matrix from neighbouring pairs to split halves.

    GGUF files of this family keep the two rows that a rotation mixes side by side (2i, 2i + 1);
    the graph's rotary tables mix row i with row i + head_dim / 2.
    """
    rows, columns = matrix.shape
    pairs = matrix.reshape(heads, rows // heads // 2, 2, columns)
    return pairs.swapaxes(1, 2).reshape(rows, columns)


def _read_int8(gguf: GgufFile, name: str, rows: int, columns: int) -> QuantizedMatrix:
    """Return a matrix as int8: as it is where the file has it as Q8_0, else quantised."""
    info = gguf.info(name, (rows, columns))
    if info.kind is not GGMLQuantizationType.Q8_0:
        return quantize(gguf.tensor(name, (rows, columns)), "int8")
    matrix = repack_q8_0(gguf.raw(info), rows)
    if not np.isfinite(matrix.scales).all():
        raise GgufDamaged(gguf.path, f"{name} holds values that are not finite")
    return matrix
