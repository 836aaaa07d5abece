"""Reads the weights of a GGUF in the row order and the precision that the graph wants.

Matrices that the file has as Q8_0 or Q4_0 keep their codes and scales, bit for bit, wherever the
wanted format can hold them; all others are quantised again.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from gguf.constants import GGMLQuantizationType

from gpu_peer.models.config import NetworkConfig
from gpu_peer.models.errors import GgufDamaged
from gpu_peer.models.gguf_file import GgufFile
from gpu_peer.models.graph import LayerWeights
from gpu_peer.models.quantize import (
    Float32Array,
    QuantizedMatrix,
    WeightFormat,
    concatenate,
    quantize,
    repack_q4_0,
    repack_q4_1,
    repack_q4_k,
    repack_q8_0,
    take_rows,
    widen,
)

ROWS_AT_ONCE = 4_096  # an embedding of 262,144 tokens would take gigabytes as float32


def read_layer(
    gguf: GgufFile, config: NetworkConfig, index: int, weight_format: WeightFormat
) -> LayerWeights:
    """Return the weights of block `index`, matrices quantised in `weight_format`."""
    family, hidden, wide = config.family, config.hidden, config.intermediate
    prefix = f"blk.{index}"

    def vector(part: str, width: int) -> Float32Array:
        return gguf.tensor(f"{prefix}.{part}", (width,))

    def matrix(part: str, rows: int, columns: int) -> QuantizedMatrix:
        return read_matrix(gguf, f"{prefix}.{part}.weight", rows, columns, weight_format)

    def heads(part: str, count: int) -> QuantizedMatrix:
        stored = matrix(part, count * config.head_dim, hidden)
        if not family.neighbouring_pairs:
            return stored
        return take_rows(stored, split_rotary_pairs(count, config.head_dim))

    def biases() -> Float32Array:
        widths = {"q": config.query_width, "k": config.kv_width, "v": config.kv_width}
        return np.concatenate([vector(f"attn_{p}.bias", width) for p, width in widths.items()])

    return LayerWeights(
        attention_norm=vector("attn_norm.weight", hidden),
        query_key_value=concatenate(
            [
                heads("attn_q", config.heads),
                heads("attn_k", config.kv_heads),
                matrix("attn_v", config.kv_width, hidden),
            ]
        ),
        biases=biases() if family.qkv_biases else None,
        query_norm=vector("attn_q_norm.weight", config.head_dim) if family.head_norms else None,
        key_norm=vector("attn_k_norm.weight", config.head_dim) if family.head_norms else None,
        attention_output=matrix("attn_output", hidden, config.query_width),
        attention_post_norm=(
            vector("post_attention_norm.weight", hidden) if family.post_norms else None
        ),
        feed_forward_norm=vector("ffn_norm.weight", hidden),
        gate_up=concatenate([matrix("ffn_gate", wide, hidden), matrix("ffn_up", wide, hidden)]),
        down=matrix("ffn_down", hidden, wide),
        feed_forward_post_norm=(
            vector("post_ffw_norm.weight", hidden) if family.post_norms else None
        ),
    )


def read_embedding(gguf: GgufFile, config: NetworkConfig) -> Float32Array:
    """Return the embedding [vocab, hidden]."""
    return gguf.tensor("token_embd.weight", (config.vocab, config.hidden))


def read_final_norm(gguf: GgufFile, config: NetworkConfig) -> Float32Array:
    """Return the weights [hidden] of the last norm."""
    return gguf.tensor("output_norm.weight", (config.hidden,))


def read_matrix(
    gguf: GgufFile, name: str, rows: int, columns: int, weight_format: WeightFormat
) -> QuantizedMatrix:
    """Return matrix `name` [rows, columns] in `weight_format`.

    `stored` is int4 for what the file has as Q4_0 and int8 for all else; `offset4` keeps Q4_1 and
    Q4_K as well, which differ from the file by the rounding of float32 only.
    """
    info = gguf.info(name, (rows, columns))
    if weight_format == "offset4":
        repack = {
            GGMLQuantizationType.Q4_1: repack_q4_1,
            GGMLQuantizationType.Q4_K: repack_q4_k,
        }.get(info.kind)
        if repack is not None:
            return _finite(gguf, name, repack(gguf.raw(info), rows))
        weight_format = "stored"
    if info.kind is GGMLQuantizationType.Q8_0 and weight_format in ("stored", "int8"):
        return _finite(gguf, name, repack_q8_0(gguf.raw(info), rows))
    if info.kind is GGMLQuantizationType.Q4_0 and weight_format != "uint4":
        matrix = _finite(gguf, name, repack_q4_0(gguf.raw(info), rows))
        return widen(matrix) if weight_format == "int8" else matrix
    wanted = "int8" if weight_format == "stored" else weight_format
    parts = gguf.rows(name, (rows, columns), ROWS_AT_ONCE)
    return concatenate([quantize(part, wanted) for part in parts])


def split_rotary_pairs(heads: int, head_dim: int) -> npt.NDArray[np.intp]:
    """Return the order of rows that turns neighbouring pairs of each head into split halves.

    The graph's rotary tables mix row i of a head with row i + head_dim / 2.
    """
    rows = np.arange(heads * head_dim).reshape(heads, head_dim // 2, 2)
    return rows.swapaxes(1, 2).reshape(-1)


def _finite(gguf: GgufFile, name: str, matrix: QuantizedMatrix) -> QuantizedMatrix:
    offsets = 0 if matrix.offsets is None else matrix.offsets
    if not (np.isfinite(matrix.scales).all() and np.isfinite(offsets).all()):
        raise GgufDamaged(gguf.path, f"{name} holds values that are not finite")
    return matrix
