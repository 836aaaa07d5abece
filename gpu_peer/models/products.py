"""Matrix products over quantised weights."""

from __future__ import annotations

from dataclasses import dataclass

from gpu_peer.models.onnx_writer import MICROSOFT, OnnxWriter, StoredWeight
from gpu_peer.models.precision import Precision
from gpu_peer.models.quantize import BLOCK, QuantizedMatrix


@dataclass(frozen=True)
class StoredMatrix:
    """A quantised matrix whose codes and scales are already in the data file."""

    matrix: QuantizedMatrix
    codes: StoredWeight
    scales: StoredWeight


def store(
    writer: OnnxWriter, name: str, matrix: QuantizedMatrix, precision: Precision
) -> StoredMatrix:
    """Append `matrix` to the data file, its scales in the graph's precision."""
    codes = writer.weight(name, matrix.codes)
    scales = writer.weight(f"{name}.scales", precision.cast(matrix.scales))
    return StoredMatrix(matrix, codes, scales)


def multiply(
    writer: OnnxWriter, hidden: str, stored: StoredMatrix, output: str, accuracy_level: int
) -> str:
    """Add `output` = `hidden` times the transposed matrix and return its name."""
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
