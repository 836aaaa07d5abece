"""Matrix products over quantised weights.

4-bit weights are one MatMulNBits node. So are 8-bit ones in float32; in float16 they are a
DequantizeLinear before a MatMul, which is the only form of 8-bit blocks that TensorRT for RTX and
ONNX Runtime both take. Found by building a product of 1024 by 4096 ahead of time with TensorRT-RTX
1.7.1 for 8.6, 8.9 and 12.0, and running it in ONNX Runtime 1.31 on the CPU:

| weights                                    | TensorRT           | bytes a weight | CPU     |
|--------------------------------------------|--------------------|----------------|---------|
| MatMulNBits, 4 bits in blocks of 32        | builds             | 0.57           | 0.4 ms  |
| MatMulNBits, 4 bits with zero points       | refused by name    |                | 0.3 ms  |
| MatMulNBits, 8 bits                        | ends the process   |                |         |
| DequantizeLinear INT4, blocks of 32        | builds             | 0.60           | 0.1 ms  |
| DequantizeLinear INT8 [K, N], blocks of 32 | builds             | 1.10           | 0.2 ms  |
| DequantizeLinear INT8 [N, K], transposed   | builds             | 1.10           | 27 ms   |
| DequantizeLinear UINT8                     | refused by name    |                | 0.3 ms  |
| DequantizeLinear FLOAT8E4M3                | not for 8.6        | 1.10           | 35 ms   |
| float16                                    | builds             | 2.00           | 0.4 ms  |

The bytes of the engine show that weights stay packed on the card.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpu_peer.models.onnx_writer import MICROSOFT, OnnxWriter, StoredWeight
from gpu_peer.models.precision import Precision
from gpu_peer.models.quantize import BLOCK, QuantizedMatrix


@dataclass(frozen=True)
class StoredMatrix:
    """A quantised matrix whose codes and scales are already in the data file."""

    matrix: QuantizedMatrix
    codes: StoredWeight
    scales: StoredWeight
    offsets: StoredWeight | None = None
    is_apart: bool = False  # dequantised by a node of its own, as [columns, rows] of INT8


def store(
    writer: OnnxWriter, name: str, matrix: QuantizedMatrix, precision: Precision
) -> StoredMatrix:
    """Append `matrix` to the data file, its scales in the graph's precision."""
    is_apart = precision.name == "f16" and matrix.bits == 8
    scales = precision.cast(matrix.scales)
    if is_apart:
        signed = (matrix.codes ^ np.uint8(128)).view(np.int8)
        stored_codes = writer.weight(name, signed.reshape(matrix.rows, matrix.columns).T)
        stored_scales = writer.weight(f"{name}.scales", scales.T)
    else:
        stored_codes = writer.weight(name, matrix.codes)
        stored_scales = writer.weight(f"{name}.scales", scales)
    offsets = None
    if matrix.offsets is not None:
        by_block = np.ascontiguousarray(matrix.offsets.T)
        offsets = writer.weight(f"{name}.offsets", precision.cast(by_block))
    return StoredMatrix(matrix, stored_codes, stored_scales, offsets, is_apart)


def multiply(
    writer: OnnxWriter, hidden: str, stored: StoredMatrix, output: str, accuracy_level: int
) -> str:
    """Add `output` = `hidden` times the transposed matrix and return its name.

    An offset adds the same to every weight of a block, so what it adds to the product is the offset
    times the sum of the block's inputs: a matrix product of a 32nd of the size.
    """
    if stored.offsets is None:
        return _multiply(writer, hidden, stored, output, accuracy_level)
    product = _multiply(writer, hidden, stored, f"{output}.centred", accuracy_level)
    shape = writer.constant(f"{output}.by_block", np.array([0, 0, -1, BLOCK]))
    axis = writer.constant(f"{output}.block_axis", np.array([-1]))
    blocks = writer.node("Reshape", [hidden, shape], [f"{output}.blocks"])
    sums = writer.node("ReduceSum", [blocks, axis], [f"{output}.sums"], keepdims=0)
    shift = writer.node("MatMul", [sums, stored.offsets.name], [f"{output}.shift"])
    return writer.node("Add", [product, shift], [output])


def _multiply(
    writer: OnnxWriter, hidden: str, stored: StoredMatrix, output: str, accuracy_level: int
) -> str:
    matrix = stored.matrix
    if stored.is_apart:
        weights = writer.node(
            "DequantizeLinear",
            [stored.codes.name, stored.scales.name],
            [f"{output}.weights"],
            axis=0,
            block_size=BLOCK,
        )
        return writer.node("MatMul", [hidden, weights], [output])
    inputs = [hidden, stored.codes.name, stored.scales.name]
    if matrix.zero_points is not None:
        zeros = writer.weight(f"{stored.codes.name}.zeros", matrix.zero_points)
        inputs.append(zeros.name)
    return writer.node(
        "MatMulNBits",
        inputs,
        [output],
        MICROSOFT,
        K=matrix.columns,
        N=matrix.rows,
        bits=matrix.bits,
        block_size=BLOCK,
        accuracy_level=accuracy_level,
    )
