"""What every attention node of a graph reads beside queries, keys and values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from gpu_peer.models.config import NetworkConfig
from gpu_peer.models.onnx_writer import OnnxWriter
from gpu_peer.models.precision import Precision
from gpu_peer.models.rotary import Rotary, rotary_tables


@dataclass(frozen=True)
class RotaryTables:
    """Names of the two tables of one kind of layers."""

    cosines: str
    sines: str


@dataclass(frozen=True)
class AttentionInputs:
    """Names of the two length tensors of GroupQueryAttention, and of the rotary tables."""

    seqlens_k: str
    total: str
    tables: RotaryTables
    local_tables: RotaryTables


def declare_attention_inputs(
    writer: OnnxWriter, config: NetworkConfig, precision: Precision
) -> AttentionInputs:
    """Derive the lengths from `attention_mask`, and store the rotary tables."""
    one = writer.constant("one", np.array(1, dtype=np.int64))
    axis = writer.constant("axis", np.array([1], dtype=np.int64))
    writer.constant("last", np.array([-1], dtype=np.int64))
    count = writer.node("ReduceSum", ["attention_mask", axis], ["lengths"], keepdims=0)
    before = writer.node("Sub", [count, one], ["lengths_before"])
    seqlens_k = writer.node("Cast", [before], ["seqlens_k"], to=TensorProto.INT32)
    shape = writer.node("Shape", ["attention_mask"], ["mask_shape"])
    width = writer.node("Gather", [shape, one], ["mask_width"], axis=0)
    total = writer.node("Cast", [width], ["total_sequence_length"], to=TensorProto.INT32)

    def tables(name: str, rotary: Rotary) -> RotaryTables:
        cosines, sines = rotary_tables(rotary, config.head_dim, config.context_length)
        return RotaryTables(
            writer.weight(f"{name}.cosines", precision.cast(cosines)).name,
            writer.weight(f"{name}.sines", precision.cast(sines)).name,
        )

    shared = tables("rotary", config.rotary)
    own = config.local_rotary != config.rotary
    local = tables("local_rotary", config.local_rotary) if own else shared
    return AttentionInputs(seqlens_k, total, shared, local)
