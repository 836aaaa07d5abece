"""A typed, validated view of a GGUF file.

The header is parsed here and not by `gguf.GGUFReader`, because that one trusts the file: a cut or
hostile header ends in a numpy or struct traceback there, or in unbounded allocation. The tables of
types and the dequantisers are the `gguf` package's own.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFValueType
from gguf.quants import dequantize

from gpu_peer.models.errors import SourceDamaged, SourceUnsupported
from gpu_peer.models.gguf_cursor import MAX_KEY_BYTES, Cursor, Value
from gpu_peer.models.mapped_file import MappedFile
from gpu_peer.models.typed_values import TypedValues

MAGIC = b"GGUF"
VERSIONS = (2, 3)
DEFAULT_ALIGNMENT = 32
MAX_DIMENSIONS = 4
MAX_ELEMENTS = 1 << 40

_SMALLEST_ENTRY = 8 + 4 + 1  # key length, type, one byte of value
_SMALLEST_TENSOR = 8 + 4 + 8 + 4 + 8  # name length, rank, one dimension, type, offset


@dataclass(frozen=True)
class TensorInfo:
    """Where a tensor lies in the file.

    Attributes:
        name: As in the file, such as `blk.0.attn_q.weight`.
        shape: Row-major (numpy order; GGUF stores it reversed).
        kind: How its elements are stored.
        offset: Bytes from the start of the file.
        size: Bytes.
    """

    name: str
    shape: tuple[int, ...]
    kind: GGMLQuantizationType
    offset: int
    size: int


class GgufFile(MappedFile, TypedValues):
    """An open GGUF file: metadata by key, tensors by name. A context manager.

    Raises:
        SourceDamaged: The file is cut off, garbled or contradicts itself.
        SourceUnsupported: A sound file of a version or element type that is not supported.
        StorageFailed: The file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        """Open `path` and check its whole header; tensor data is mapped and not read."""
        super().__init__(path)
        try:
            self._metadata, self.tensors = _read_header(self._map, path)
        except BaseException:
            self.close()
            raise

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self._map)

    def __contains__(self, key: str) -> bool:
        """Whether the metadata has `key`."""
        return key in self._metadata

    def texts(self, key: str) -> list[str]:
        """Return a list of strings of the metadata."""
        value = self._value(key, None)
        if not isinstance(value, list):
            raise self._wrong_type(key, "a list of texts")
        return value

    def integers(self, key: str) -> list[int]:
        """Return a list of integers of the metadata."""
        value = self._value(key, None)
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "iu":
            raise self._wrong_type(key, "a list of whole numbers")
        return [int(item) for item in value]

    def numbers(self, key: str) -> list[float]:
        """Return a list of finite numbers of the metadata."""
        value = self._value(key, None)
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
            raise self._wrong_type(key, "a list of numbers")
        if not np.isfinite(value).all():
            raise self._wrong_type(key, "finite")
        return [float(item) for item in value]

    def tensor(self, name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        """Return tensor `name` dequantised to float32; it must have exactly `shape`."""
        info = self.info(name, shape)
        return self._dequantised(info, self.raw(info)).reshape(shape)

    def rows(
        self, name: str, shape: tuple[int, int], at_once: int
    ) -> Iterator[npt.NDArray[np.float32]]:
        """Yield matrix `name` of `shape`, dequantised to float32, `at_once` rows at a time."""
        info = self.info(name, shape)
        row = info.size // shape[0]
        for start in range(0, shape[0], at_once):
            count = min(at_once, shape[0] - start)
            begin = info.offset + start * row
            raw = np.frombuffer(self._map[begin : begin + count * row], dtype=np.uint8)
            yield self._dequantised(info, raw).reshape(count, shape[1])

    def _dequantised(self, info: TensorInfo, raw: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        block, size = GGML_QUANT_SIZES[info.kind]
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # checked below
                values = dequantize(raw.reshape(-1, info.shape[-1] // block * size), info.kind)
        except NotImplementedError as error:
            raise SourceUnsupported(self.path, f"weights stored as {info.kind.name}") from error
        values = np.ascontiguousarray(values, dtype=np.float32)
        if not np.isfinite(values).all():
            raise SourceDamaged(self.path, f"{info.name} holds values that are not finite")
        return values

    def info(self, name: str, shape: tuple[int, ...]) -> TensorInfo:
        """Return where tensor `name` lies, having checked that it has exactly `shape`."""
        info = self.tensors.get(name)
        if info is None:
            raise SourceDamaged(self.path, f"the tensor {name} is missing")
        if info.shape != shape:
            raise SourceDamaged(self.path, f"{name} has shape {info.shape}, not {shape}")
        return info

    def raw(self, info: TensorInfo) -> npt.NDArray[np.uint8]:
        """Return a copy of the stored bytes of a tensor, one-dimensional."""
        return np.frombuffer(self._map[info.offset : info.offset + info.size], dtype=np.uint8)

    def _find(self, key: str) -> Value | None:
        return self._metadata.get(key)


def _read_header(
    data: mmap.mmap | bytes, path: Path
) -> tuple[dict[str, Value], dict[str, TensorInfo]]:
    cursor = Cursor(data, path)
    if cursor.left < len(MAGIC) or cursor.take(len(MAGIC)) != MAGIC:
        raise SourceDamaged(path, "it is not a GGUF file")
    version = cursor.integer(GGUFValueType.UINT32)
    if version not in VERSIONS:
        raise SourceUnsupported(path, f"it is GGUF version {version}, and 2 and 3 are supported")
    tensor_count = cursor.integer(GGUFValueType.UINT64)
    entry_count = cursor.integer(GGUFValueType.UINT64)
    if tensor_count * _SMALLEST_TENSOR + entry_count * _SMALLEST_ENTRY > cursor.left:
        raise cursor.damaged(f"{entry_count} entries and {tensor_count} tensors are claimed")
    metadata: dict[str, Value] = {}
    for _ in range(entry_count):
        key = cursor.text(MAX_KEY_BYTES)
        if key in metadata:
            raise cursor.damaged(f"{key} is given twice")
        metadata[key] = cursor.value()
    claims = [_read_claim(cursor, path) for _ in range(tensor_count)]
    alignment = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or alignment < 8 or alignment & (alignment - 1):
        raise SourceDamaged(path, f"the alignment is {alignment!r}")
    start = -(-cursor.position // alignment) * alignment
    tensors: dict[str, TensorInfo] = {}
    for claim in claims:
        info = TensorInfo(claim.name, claim.shape, claim.kind, start + claim.offset, claim.size)
        if info.name in tensors:
            raise SourceDamaged(path, f"the tensor {info.name} is given twice")
        if claim.offset % alignment or info.offset + info.size > len(data):
            raise SourceDamaged(path, f"the tensor {info.name} lies outside the file")
        tensors[info.name] = info
    return metadata, tensors


def _read_claim(cursor: Cursor, path: Path) -> TensorInfo:
    """Read one tensor entry; its offset is still relative to the start of the tensor data."""
    name = cursor.text(MAX_KEY_BYTES)
    rank = cursor.integer(GGUFValueType.UINT32)
    if not 1 <= rank <= MAX_DIMENSIONS:
        raise cursor.damaged(f"the tensor {name} has {rank} dimensions")
    shape = tuple(cursor.integer(GGUFValueType.UINT64) for _ in range(rank))[::-1]
    if not 0 < math.prod(shape) <= MAX_ELEMENTS:
        raise cursor.damaged(f"the tensor {name} has shape {shape}")
    number = cursor.integer(GGUFValueType.UINT32)
    try:
        kind = GGMLQuantizationType(number)
        block, size = GGML_QUANT_SIZES[kind]
    except (ValueError, KeyError) as error:
        raise SourceUnsupported(path, f"weights of the unknown type {number}") from error
    if shape[-1] % block:
        raise cursor.damaged(f"rows of {name} are not whole blocks of {block}")
    offset = cursor.integer(GGUFValueType.UINT64)
    return TensorInfo(name, shape, kind, offset, math.prod(shape) // block * size)
