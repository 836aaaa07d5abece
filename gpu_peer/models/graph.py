"""Builds the ONNX graph of a Llama-family network in the order of a forward pass.

Names of inputs and outputs are those of ONNX Runtime GenAI. What is particular:

- Lengths come from `attention_mask` inside the graph (`seqlens_k`, `total_sequence_length`), so
  that past and present may be one buffer of maximum length, which GroupQueryAttention writes in
  place.
- Everything after the attention of the last layer is computed for the last position only: its
  output projection, its feed-forward layer, the final norm and the logits.
- Query, key and value are one matrix product, gate and up another; residual additions are fused
  into the norms. Fewer nodes matter when a token takes ten milliseconds and 30 layers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from gpu_peer.models.config import LlamaConfig
from gpu_peer.models.onnx_writer import MICROSOFT, OnnxWriter, StoredWeight
from gpu_peer.models.quantize import BLOCK, Float32Array, QuantizedMatrix


@dataclass(frozen=True)
class StoredMatrix:
    """A quantised matrix whose codes and scales are already in the data file."""

    matrix: QuantizedMatrix
    codes: StoredWeight
    scales: StoredWeight


@dataclass(frozen=True)
class Lengths:
    """Names of the two length tensors of GroupQueryAttention, and of the rotary tables."""

    seqlens_k: str
    total: str
    cosines: str
    sines: str


@dataclass(frozen=True)
class LayerWeights:
    """The weights of one transformer block, rows in the order that the graph wants."""

    attention_norm: Float32Array
    query_key_value: QuantizedMatrix
    attention_output: QuantizedMatrix
    feed_forward_norm: Float32Array
    gate_up: QuantizedMatrix
    down: QuantizedMatrix


class GraphBuilder:
    """Builds the graph of one network into an `OnnxWriter`.

    Call `begin`, then `layer` for each block in order, then `end`.
    """

    def __init__(self, writer: OnnxWriter, config: LlamaConfig, accuracy_level: int) -> None:
        """`accuracy_level` is MatMulNBits' own: 4 rounds activations to int8, 0 keeps float32."""
        self._writer = writer
        self._config = config
        self._accuracy_level = accuracy_level
        self._lengths = Lengths("", "", "", "")
        self._residual = ""  # the residual stream before the pending addition
        self._pending = ""  # what the next norm adds to the residual stream

    def begin(self, embedding: QuantizedMatrix) -> StoredMatrix:
        """Declare inputs, lengths and rotary tables, and look up the embedding (int8)."""
        writer = self._writer
        writer.declare_input("input_ids", TensorProto.INT64, ["batch", "seq"])
        writer.declare_input("attention_mask", TensorProto.INT64, ["batch", "total"])
        self._lengths = _lengths(writer, self._config)
        stored = _store(writer, "embedding", embedding)
        flat = writer.view(
            stored.codes, "embedding.rows", (self._config.vocab, self._config.hidden)
        )
        self._residual = writer.node(
            "GatherBlockQuantized",
            [flat, "input_ids", stored.scales.name],
            ["hidden"],
            MICROSOFT,
            bits=8,
            block_size=BLOCK,
            gather_axis=0,
            quantize_axis=1,
        )
        return stored

    def layer(self, index: int, weights: LayerWeights) -> None:
        """Add transformer block `index`."""
        name = f"layers.{index}"
        attended = self._attention(index, name, weights)
        if index == self._config.layers - 1:
            attended = self._last_position(attended)
            self._residual = self._last_position(self._residual)
        self._pending = self._product(
            f"{name}.attention_output", attended, weights.attention_output
        )
        normed = self._norm(f"{name}.feed_forward_norm", weights.feed_forward_norm)
        self._pending = self._feed_forward(name, normed, weights)

    def end(self, norm: Float32Array, output: QuantizedMatrix | StoredMatrix) -> None:
        """Add the final norm and the logits of the last position."""
        normed = self._norm("final_norm", norm)
        stored = (
            output if isinstance(output, StoredMatrix) else _store(self._writer, "output", output)
        )
        logits = self._writer.declare_output(
            "logits", TensorProto.FLOAT, ["batch", 1, self._config.vocab]
        )
        self._multiply(normed, stored, logits)

    def _attention(self, index: int, name: str, weights: LayerWeights) -> str:
        config, writer = self._config, self._writer
        normed = self._norm(f"{name}.attention_norm", weights.attention_norm)
        packed = self._product(f"{name}.query_key_value", normed, weights.query_key_value)
        cache: list[str | int] = ["batch", config.kv_heads, "past", config.head_dim]
        grown: list[str | int] = ["batch", config.kv_heads, "present", config.head_dim]
        past = [
            writer.declare_input(f"past_key_values.{index}.{part}", TensorProto.FLOAT, cache)
            for part in ("key", "value")
        ]
        present = [
            writer.declare_output(f"present.{index}.{part}", TensorProto.FLOAT, grown)
            for part in ("key", "value")
        ]
        lengths = self._lengths
        return writer.node(
            "GroupQueryAttention",
            [
                packed,
                "",
                "",
                *past,
                lengths.seqlens_k,
                lengths.total,
                lengths.cosines,
                lengths.sines,
            ],
            [f"{name}.attended", *present],
            MICROSOFT,
            num_heads=config.heads,
            kv_num_heads=config.kv_heads,
            do_rotary=1,
            rotary_interleaved=0,
            scale=config.head_dim**-0.5,
        )

    def _feed_forward(self, name: str, hidden: str, weights: LayerWeights) -> str:
        writer = self._writer
        both = self._product(f"{name}.gate_up", hidden, weights.gate_up)
        gate, up = f"{name}.gate", f"{name}.up"
        writer.node("Split", [both], [gate, up], axis=-1, num_outputs=2)
        silu = writer.node("QuickGelu", [gate], [f"{name}.silu"], MICROSOFT, alpha=1.0)
        gated = writer.node("Mul", [silu, up], [f"{name}.gated"])
        return self._product(f"{name}.down", gated, weights.down)

    def _norm(self, name: str, weights: Float32Array) -> str:
        """Add what is pending to the residual stream and return its RMS norm."""
        writer = self._writer
        scale = writer.constant(f"{name}.weight", weights)
        if not self._pending:
            return writer.node(
                "RMSNormalization",
                [self._residual, scale],
                [name],
                axis=-1,
                epsilon=self._config.norm_epsilon,
            )
        total = f"{name}.residual"
        writer.node(
            "SkipSimplifiedLayerNormalization",
            [self._residual, self._pending, scale],
            [name, "", "", total],
            MICROSOFT,
            epsilon=self._config.norm_epsilon,
        )
        self._residual, self._pending = total, ""
        return name

    def _last_position(self, hidden: str) -> str:
        """Keep the last of the positions: [batch, seq, width] becomes [batch, 1, width]."""
        return self._writer.node("Gather", [hidden, "last"], [f"{hidden}.last"], axis=1)

    def _product(self, name: str, hidden: str, matrix: QuantizedMatrix) -> str:
        return self._multiply(hidden, _store(self._writer, f"{name}.weight", matrix), name)

    def _multiply(self, hidden: str, stored: StoredMatrix, output: str) -> str:
        matrix = stored.matrix
        inputs = [hidden, stored.codes.name, stored.scales.name]
        if matrix.zero_points is not None:
            zeros = self._writer.weight(f"{stored.codes.name}.zeros", matrix.zero_points)
            inputs.append(zeros.name)
        return self._writer.node(
            "MatMulNBits",
            inputs,
            [output],
            MICROSOFT,
            K=matrix.columns,
            N=matrix.rows,
            bits=matrix.bits,
            block_size=BLOCK,
            accuracy_level=self._accuracy_level,
        )


def rotary_tables(config: LlamaConfig) -> tuple[Float32Array, Float32Array]:
    """Return cosines and sines, each [context_length, head_dim / 2] float32."""
    exponents = np.arange(0, config.head_dim, 2, dtype=np.float64) / config.head_dim
    angles = np.outer(np.arange(config.context_length), config.rope_base**-exponents)
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def _lengths(writer: OnnxWriter, config: LlamaConfig) -> Lengths:
    one = writer.constant("one", np.array(1, dtype=np.int64))
    axis = writer.constant("axis", np.array([1], dtype=np.int64))
    writer.constant("last", np.array([-1], dtype=np.int64))
    count = writer.node("ReduceSum", ["attention_mask", axis], ["lengths"], keepdims=0)
    before = writer.node("Sub", [count, one], ["lengths_before"])
    seqlens_k = writer.node("Cast", [before], ["seqlens_k"], to=TensorProto.INT32)
    shape = writer.node("Shape", ["attention_mask"], ["mask_shape"])
    width = writer.node("Gather", [shape, one], ["mask_width"], axis=0)
    total = writer.node("Cast", [width], ["total_sequence_length"], to=TensorProto.INT32)
    cosines, sines = rotary_tables(config)
    return Lengths(
        seqlens_k,
        total,
        writer.weight("rotary.cosines", cosines).name,
        writer.weight("rotary.sines", sines).name,
    )


def _store(writer: OnnxWriter, name: str, matrix: QuantizedMatrix) -> StoredMatrix:
    codes = writer.weight(name, matrix.codes)
    return StoredMatrix(matrix, codes, writer.weight(f"{name}.scales", matrix.scales))
