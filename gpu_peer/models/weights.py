"""Reads the weights of a model's blocks the way the graph wants them joined."""

from __future__ import annotations

import numpy as np

from gpu_peer.models.graph import LayerWeights
from gpu_peer.models.quantize import (
    Float32Array,
    QuantizedMatrix,
    WeightFormat,
    concatenate,
)
from gpu_peer.models.source import Source


def read_layer(source: Source, index: int, weight_format: WeightFormat) -> LayerWeights:
    """Return the weights of block `index`, matrices quantised in `weight_format`."""
    config = source.config
    family, hidden, wide = config.family, config.hidden, config.intermediate
    prefix = f"blk.{index}"

    def vector(part: str, width: int) -> Float32Array:
        return source.tensor(f"{prefix}.{part}", (width,))

    def matrix(part: str, rows: int, columns: int) -> QuantizedMatrix:
        return source.matrix(f"{prefix}.{part}.weight", rows, columns, weight_format)

    def biases() -> Float32Array:
        widths = {"q": config.query_width, "k": config.kv_width, "v": config.kv_width}
        return np.concatenate([vector(f"attn_{p}.bias", width) for p, width in widths.items()])

    return LayerWeights(
        attention_norm=vector("attn_norm.weight", hidden),
        query_key_value=concatenate(
            [
                matrix("attn_q", config.query_width, hidden),
                matrix("attn_k", config.kv_width, hidden),
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
