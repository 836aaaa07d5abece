"""Reads the weights back out of an exported folder, as the GGUF's own names and row order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper

from gpu_peer.models.config import NetworkConfig
from gpu_peer.models.quantize import QuantizedMatrix, dequantize
from tests.gpu_peer.models.reference import Array


def stored_weights(folder: Path, config: NetworkConfig) -> dict[str, Array]:
    """Return every matrix of the graph in `folder` as float32, packed ones taken apart."""
    graph = onnx.load(folder / "model.onnx", load_external_data=False).graph
    data = np.memmap(folder / "model.onnx.data", dtype=np.uint8, mode="r")
    places = {tensor.name: tensor for tensor in graph.initializer}

    def array(name: str) -> np.ndarray:
        tensor = places[name]
        if not tensor.external_data:
            return onnx.numpy_helper.to_array(tensor)
        where = {item.key: item.value for item in tensor.external_data}
        offset, length = int(where["offset"]), int(where["length"])
        dtype = helper.tensor_dtype_to_np_dtype(tensor.data_type)
        return data[offset : offset + length].view(dtype).reshape(tuple(tensor.dims))

    matrices = {}
    for node in graph.node:
        if node.op_type == "MatMulNBits":
            codes, scales = (array(name) for name in node.input[1:3])
            bits = next(field.i for field in node.attribute if field.name == "bits")
            offsets = f"{node.input[1]}.offsets"
            shift = array(offsets).T if offsets in places else None
            matrix = QuantizedMatrix(codes, scales, None, bits, shift)
            matrices[node.output[0].removesuffix(".centred")] = dequantize(matrix)
    weights = {"token_embd.weight": matrices["logits"]}
    for layer in range(config.layers):
        query, key, value = np.split(
            matrices[f"layers.{layer}.query_key_value"],
            [config.query_width, config.query_width + config.kv_width],
        )
        gate, up = np.split(matrices[f"layers.{layer}.gate_up"], 2)
        parts = {
            "attn_q": _join_rotary_pairs(query, config.heads),
            "attn_k": _join_rotary_pairs(key, config.kv_heads),
            "attn_v": value,
            "attn_output": matrices[f"layers.{layer}.attention_output"],
            "ffn_gate": gate,
            "ffn_up": up,
            "ffn_down": matrices[f"layers.{layer}.down"],
        }
        weights |= {f"blk.{layer}.{part}.weight": matrix for part, matrix in parts.items()}
    return weights


def _join_rotary_pairs(matrix: Array, heads: int) -> Array:
    """Put row i and row i + head_dim / 2 of each head side by side, as GGUF files have them."""
    rows, columns = matrix.shape
    halves = matrix.reshape(heads, 2, rows // heads // 2, columns)
    return halves.swapaxes(1, 2).reshape(rows, columns)
