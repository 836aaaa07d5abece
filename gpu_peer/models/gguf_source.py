"""A GGUF file as a source.

Matrices that the file has as Q8_0 or Q4_0 keep their codes and scales, bit for bit, wherever the
wanted format can hold them; all others are quantised again.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from gguf.constants import GGMLQuantizationType

from gpu_peer.models.errors import SourceDamaged
from gpu_peer.models.gguf_config import read_config
from gpu_peer.models.gguf_file import GgufFile
from gpu_peer.models.gguf_tokenizer import read_tokenizer
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
from gpu_peer.models.source import ROWS_AT_ONCE, Source

# Here the two rows that a rotation mixes lie side by side (2i, 2i + 1).
_NEIGHBOURING_PAIRS = frozenset({"llama"})


class GgufSource(Source):
    """An open GGUF file.

    Raises:
        SourceDamaged: The file contradicts itself.
        SourceUnsupported: The file holds something that is not converted.
        StorageFailed: The file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        """Open `path` and check its whole header."""
        self.path = path
        self._gguf = GgufFile(path)
        try:
            self.config = read_config(self._gguf)
            self.tokenizer = read_tokenizer(self._gguf, self.config.vocab)
        except BaseException:
            self._gguf.close()
            raise

    def close(self) -> None:
        """See `Source`."""
        self._gguf.close()

    def tensor(self, name: str, shape: tuple[int, ...]) -> Float32Array:
        """Return tensor `name` dequantised to float32."""
        return self._gguf.tensor(name, shape)

    def matrix(
        self, name: str, rows: int, columns: int, weight_format: WeightFormat
    ) -> QuantizedMatrix:
        """Return matrix `name` in `weight_format`, its rows in the order of the graph."""
        matrix = read_matrix(self._gguf, name, rows, columns, weight_format)
        if self.config.architecture not in _NEIGHBOURING_PAIRS:
            return matrix
        if not name.endswith(("attn_q.weight", "attn_k.weight")):
            return matrix
        head_dim = self.config.head_dim
        return take_rows(matrix, split_rotary_pairs(rows // head_dim, head_dim))


def read_matrix(
    gguf: GgufFile, name: str, rows: int, columns: int, weight_format: WeightFormat
) -> QuantizedMatrix:
    """Return matrix `name` [rows, columns] in `weight_format`, its rows as in the file.

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
        raise SourceDamaged(gguf.path, f"{name} holds values that are not finite")
    return matrix
