"""Matrix products over quantised weights."""

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


def store(
    writer: OnnxWriter, name: str, matrix: QuantizedMatrix, precision: Precision
) -> StoredMatrix:
    """Append `matrix` to the data file, its scales in the graph's precision."""
    codes = writer.weight(name, matrix.codes)
    scales = writer.weight(f"{name}.scales", precision.cast(matrix.scales))
    offsets = None
    if matrix.offsets is not None:
        by_block = np.ascontiguousarray(matrix.offsets.T)
        offsets = writer.weight(f"{name}.offsets", precision.cast(by_block))
    return StoredMatrix(matrix, codes, scales, offsets)


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
