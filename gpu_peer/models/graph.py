"""Builds the ONNX graph of a decoder in the order of a forward pass.

Names of inputs and outputs are those of ONNX Runtime GenAI. What is particular:

- Lengths come from `attention_mask` inside the graph (`seqlens_k`, `total_sequence_length`), so
  that past and present may be one buffer of maximum length, which GroupQueryAttention writes in
  place.
- Everything after the attention of the last layer is computed for the last position only: its
  output projection, its feed-forward layer, the final norm and the logits.
- Query, key and value are one matrix product, gate and up another; residual additions are fused
  into the norms. Fewer nodes matter when a token takes ten milliseconds and 30 layers.
- In float16 the graph keeps to operators that TensorRT for RTX takes as well: the embedding is a
  plain table, and the gate is written with Sigmoid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from gpu_peer.models.attention_inputs import AttentionInputs, declare_attention_inputs
from gpu_peer.models.config import NetworkConfig
from gpu_peer.models.onnx_writer import MICROSOFT, OnnxWriter
from gpu_peer.models.precision import PRECISIONS, Precision
from gpu_peer.models.products import StoredMatrix, multiply, store
from gpu_peer.models.quantize import BLOCK, Float32Array, QuantizedMatrix


@dataclass(frozen=True)
class LayerWeights:
    """The weights of one transformer block, rows in the order that the graph wants.

    What a family does not have is None.
    """

    attention_norm: Float32Array
    query_key_value: QuantizedMatrix
    biases: Float32Array | None
    query_norm: Float32Array | None
    key_norm: Float32Array | None
    attention_output: QuantizedMatrix
    attention_post_norm: Float32Array | None
    feed_forward_norm: Float32Array
    gate_up: QuantizedMatrix
    down: QuantizedMatrix
    feed_forward_post_norm: Float32Array | None

    @property
    def bits(self) -> set[int]:
        """Bits of the matrices."""
        matrices = (self.query_key_value, self.attention_output, self.gate_up, self.down)
        return {matrix.bits for matrix in matrices}


class GraphBuilder:
    """Builds the graph of one network into an `OnnxWriter`.

    Call `begin` or `begin_with_table`, then `layer` for each block in order, then `end`.
    """

    def __init__(
        self,
        writer: OnnxWriter,
        config: NetworkConfig,
        accuracy_level: int,
        precision: Precision = PRECISIONS["f32"],
    ) -> None:
        """`accuracy_level` is MatMulNBits' own: 4 rounds activations to int8, 0 does not."""
        self._writer = writer
        self._config = config
        self._accuracy_level = accuracy_level
        self._precision = precision
        self._inputs: AttentionInputs
        self._residual = ""  # the residual stream before the pending addition
        self._pending = ""  # what the next norm adds to the residual stream

    def begin(self, embedding: QuantizedMatrix) -> StoredMatrix:
        """Declare inputs, lengths and rotary tables, and look up the embedding (int8)."""
        writer = self._writer
        self._declare_inputs()
        stored = store(writer, "embedding", embedding, self._precision)
        flat = writer.view(
            stored.codes, "embedding.rows", (self._config.vocab, self._config.hidden)
        )
        self._residual = self._scaled_embedding(
            writer.node(
                "GatherBlockQuantized",
                [flat, "input_ids", stored.scales.name],
                ["hidden"],
                MICROSOFT,
                bits=8,
                block_size=BLOCK,
                gather_axis=0,
                quantize_axis=1,
            )
        )
        return stored

    def begin_with_table(self, embedding: Float32Array) -> None:
        """Declare inputs, lengths and rotary tables, and look up the embedding, not quantised."""
        self._declare_inputs()
        table = self._writer.weight("embedding", self._precision.cast(embedding))
        self._residual = self._scaled_embedding(
            self._writer.node("Gather", [table.name, "input_ids"], ["hidden"], axis=0)
        )

    def layer(self, index: int, weights: LayerWeights) -> None:
        """Add transformer block `index`."""
        name = f"layers.{index}"
        attended = self._attention(index, name, weights)
        if index == self._config.layers - 1:
            attended = self._last_position(attended)
            self._residual = self._last_position(self._residual)
        projected = self._product(f"{name}.attention_output", attended, weights.attention_output)
        self._pending = self._post_norm(
            f"{name}.attention_post_norm", projected, weights.attention_post_norm
        )
        normed = self._norm(f"{name}.feed_forward_norm", weights.feed_forward_norm)
        self._pending = self._post_norm(
            f"{name}.feed_forward_post_norm",
            self._feed_forward(name, normed, weights),
            weights.feed_forward_post_norm,
        )

    def end(self, norm: Float32Array, output: QuantizedMatrix | StoredMatrix) -> None:
        """Add the final norm and the logits of the last position, which are float32 always."""
        writer, cap = self._writer, self._config.logit_cap
        normed = self._norm("final_norm", norm)
        stored = (
            output
            if isinstance(output, StoredMatrix)
            else store(writer, "output", output, self._precision)
        )
        logits = writer.declare_output(
            "logits", TensorProto.FLOAT, ["batch", 1, self._config.vocab]
        )
        narrow = self._precision.element != TensorProto.FLOAT
        last = multiply(
            writer,
            normed,
            stored,
            "logits.product" if narrow or cap else logits,
            self._accuracy_level,
        )
        if narrow:
            wide = "logits.wide" if cap else logits
            last = writer.node("Cast", [last], [wide], to=TensorProto.FLOAT)
        if cap:
            bound = writer.constant("logits.bound", np.array(cap, dtype=np.float32))
            share = writer.node("Div", [last, bound], ["logits.share"])
            curve = writer.node("Tanh", [share], ["logits.curve"])
            writer.node("Mul", [curve, bound], [logits])

    def _declare_inputs(self) -> None:
        writer = self._writer
        writer.declare_input("input_ids", TensorProto.INT64, ["batch", "seq"])
        writer.declare_input("attention_mask", TensorProto.INT64, ["batch", "total"])
        self._inputs = declare_attention_inputs(writer, self._config, self._precision)

    def _scaled_embedding(self, hidden: str) -> str:
        if not self._config.family.scaled_embedding:
            return hidden
        scale = self._constant("embedding.scale", np.array(self._config.hidden**0.5))
        return self._writer.node("Mul", [hidden, scale], ["hidden.scaled"])

    def _attention(self, index: int, name: str, weights: LayerWeights) -> str:
        config, writer = self._config, self._writer
        normed = self._norm(f"{name}.attention_norm", weights.attention_norm)
        packed = self._product(f"{name}.query_key_value", normed, weights.query_key_value)
        if weights.biases is not None:
            biases = self._constant(f"{name}.biases", weights.biases)
            packed = writer.node("Add", [packed, biases], [f"{name}.query_key_value.biased"])
        heads = [packed, "", ""]
        if weights.query_norm is not None and weights.key_norm is not None:
            heads = self._normed_heads(name, packed, weights.query_norm, weights.key_norm)
        cache: list[str | int] = ["batch", config.kv_heads, "past", config.head_dim]
        grown: list[str | int] = ["batch", config.kv_heads, "present", config.head_dim]
        element = self._precision.element
        past = [
            writer.declare_input(f"past_key_values.{index}.{part}", element, cache)
            for part in ("key", "value")
        ]
        present = [
            writer.declare_output(f"present.{index}.{part}", element, grown)
            for part in ("key", "value")
        ]
        inputs, local = self._inputs, config.is_local(index)
        tables = inputs.local_tables if local else inputs.tables
        features = {
            **({"local_window_size": config.window} if local else {}),
            **({"softcap": config.attention_cap} if config.attention_cap else {}),
        }
        return writer.node(
            "GroupQueryAttention",
            [*heads, *past, inputs.seqlens_k, inputs.total, tables.cosines, tables.sines],
            [f"{name}.attended", *present],
            MICROSOFT,
            num_heads=config.heads,
            kv_num_heads=config.kv_heads,
            do_rotary=1,
            rotary_interleaved=0,
            scale=config.attention_scale,
            **features,
        )

    def _normed_heads(
        self, name: str, packed: str, query_norm: Float32Array, key_norm: Float32Array
    ) -> list[str]:
        """Take queries, keys and values apart, and norm each head of the first two."""
        config, writer = self._config, self._writer
        query, key, value = (f"{name}.{part}" for part in ("query", "key", "value"))
        widths = np.array([config.query_width, config.kv_width, config.kv_width], dtype=np.int64)
        split = writer.constant(f"{name}.widths", widths)
        writer.node("Split", [packed, split], [query, key, value], axis=-1)

        def normed(part: str, weights: Float32Array) -> str:
            apart = writer.constant(f"{part}.apart", np.array([0, 0, -1, config.head_dim]))
            joined = writer.constant(f"{part}.joined", np.array([0, 0, -1]))
            heads = writer.node("Reshape", [part, apart], [f"{part}.heads"])
            scaled = self._plain_norm(f"{part}.normed_heads", heads, weights)
            return writer.node("Reshape", [scaled, joined], [f"{part}.normed"])

        return [normed(query, query_norm), normed(key, key_norm), value]

    def _feed_forward(self, name: str, hidden: str, weights: LayerWeights) -> str:
        writer = self._writer
        both = self._product(f"{name}.gate_up", hidden, weights.gate_up)
        gate, up = f"{name}.gate", f"{name}.up"
        writer.node("Split", [both], [gate, up], axis=-1, num_outputs=2)
        gated = writer.node("Mul", [self._activation(name, gate), up], [f"{name}.gated"])
        return self._product(f"{name}.down", gated, weights.down)

    def _activation(self, name: str, gate: str) -> str:
        writer, output = self._writer, f"{name}.{self._config.family.activation}"
        if self._config.family.activation == "gelu":
            return writer.node("Gelu", [gate], [output], approximate="tanh")
        if self._precision.element == TensorProto.FLOAT:
            return writer.node("QuickGelu", [gate], [output], MICROSOFT, alpha=1.0)
        sigmoid = writer.node("Sigmoid", [gate], [f"{name}.sigmoid"])
        return writer.node("Mul", [gate, sigmoid], [output])

    def _norm(self, name: str, weights: Float32Array) -> str:
        """Add what is pending to the residual stream and return its RMS norm."""
        if not self._pending:
            return self._plain_norm(name, self._residual, weights)
        total = f"{name}.residual"
        self._writer.node(
            "SkipSimplifiedLayerNormalization",
            [self._residual, self._pending, self._constant(f"{name}.weight", weights)],
            [name, "", "", total],
            MICROSOFT,
            epsilon=self._config.norm_epsilon,
        )
        self._residual, self._pending = total, ""
        return name

    def _post_norm(self, name: str, hidden: str, weights: Float32Array | None) -> str:
        return hidden if weights is None else self._plain_norm(name, hidden, weights)

    def _plain_norm(self, name: str, hidden: str, weights: Float32Array) -> str:
        return self._writer.node(
            "RMSNormalization",
            [hidden, self._constant(f"{name}.weight", weights)],
            [name],
            axis=-1,
            epsilon=self._config.norm_epsilon,
        )

    def _last_position(self, hidden: str) -> str:
        """Keep the last of the positions: [batch, seq, width] becomes [batch, 1, width]."""
        return self._writer.node("Gather", [hidden, "last"], [f"{hidden}.last"], axis=1)

    def _product(self, name: str, hidden: str, matrix: QuantizedMatrix) -> str:
        stored = store(self._writer, f"{name}.weight", matrix, self._precision)
        return multiply(self._writer, hidden, stored, name, self._accuracy_level)

    def _constant(self, name: str, values: Float32Array) -> str:
        return self._writer.constant(name, self._precision.cast(values))
