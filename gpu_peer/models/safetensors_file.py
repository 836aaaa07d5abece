"""A validated view of a safetensors file.

The format: 8 bytes with the length of the header (little-endian), the header (a JSON object of
dtype, shape and data_offsets by tensor name), then the data, which the tensors cover without holes
or overlaps. It is read here and not by the `safetensors` package because that one has no bfloat16
for numpy, and a sound reader needs no more than this file.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gpu_peer.models.errors import SourceDamaged, SourceUnsupported
from gpu_peer.models.json_file import JsonObject, parse_json
from gpu_peer.models.mapped_file import MappedFile
from gpu_peer.models.quantize import Float32Array

MAX_HEADER_BYTES = 4 << 20  # a tensor takes about 100; parsed JSON takes up to 30 times its size
MAX_NAME = 256
MAX_DIMENSIONS = 8
MAX_ELEMENTS = 1 << 40

_METADATA = "__metadata__"
_LENGTH_BYTES = 8
_BYTES = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 8),
}
_FLOATS = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}


@dataclass(frozen=True)
class TensorPlace:
    """Where a tensor lies in the file.

    Attributes:
        dtype: As the header writes it, such as `BF16`.
        shape: Row-major.
        begin: Bytes from the start of the file.
        end: The byte behind its last one.
    """

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


class SafetensorsFile(MappedFile):
    """An open safetensors file: tensors by name.

    Raises:
        SourceDamaged: The file is cut off, garbled or contradicts itself.
        SourceUnsupported: An element type that is not known.
        StorageFailed: The file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        """Open `path` and check its whole header; tensor data is mapped and not read."""
        super().__init__(path)
        try:
            self.tensors = _read_header(self._map, path)
        except BaseException:
            self.close()
            raise

    def check(self, name: str, shape: tuple[int, ...]) -> TensorPlace:
        """Return where tensor `name` lies, having checked its shape and the type of its elements.

        Raises:
            SourceDamaged: It is of another shape.
            SourceUnsupported: Its elements are not 16- or 32-bit floats.
        """
        place = self.tensors[name]
        if place.shape != shape:
            raise SourceDamaged(self.path, f"{name} has shape {place.shape}, not {shape}")
        if place.dtype not in _FLOATS:
            raise SourceUnsupported(self.path, f"it has weights stored as {place.dtype}")
        return place

    def rows(self, name: str, shape: tuple[int, ...], at_once: int) -> Iterator[Float32Array]:
        """Yield tensor `name` of exactly `shape` as float32, `at_once` of its rows at a time.

        Raises:
            SourceDamaged: As `check`, or it holds values that are not finite.
            SourceUnsupported: As `check`.
        """
        place = self.check(name, shape)
        row = (place.end - place.begin) // shape[0]
        for start in range(place.begin, place.end, at_once * row):
            data = self._map[start : min(start + at_once * row, place.end)]
            values = _floats(place.dtype, data)
            if not np.isfinite(values).all():
                raise SourceDamaged(self.path, f"{name} holds values that are not finite")
            yield values.reshape(-1, *shape[1:])


def _floats(dtype: str, data: bytes) -> Float32Array:
    stored = np.frombuffer(data, dtype=_FLOATS[dtype])
    if dtype == "BF16":  # the upper half of a float32
        return (stored.astype(np.uint32) << 16).view(np.float32)
    return stored.astype(np.float32)


def _read_header(data: mmap.mmap | bytes, path: Path) -> dict[str, TensorPlace]:
    if len(data) < _LENGTH_BYTES:
        raise SourceDamaged(path, "it ends within its first 8 bytes")
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    start = _LENGTH_BYTES + length
    if start > len(data):
        raise SourceDamaged(path, f"a header of {length} bytes in a file of {len(data)}")
    if length > MAX_HEADER_BYTES:
        raise SourceDamaged(path, f"a header of {length} bytes")
    header = parse_json(path, data[_LENGTH_BYTES:start])
    places = {
        name: _place(path, name, header.inner(name), start)
        for name in header.content
        if name != _METADATA
    }
    position = start
    for name, place in sorted(places.items(), key=lambda entry: (entry[1].begin, entry[1].end)):
        if place.begin != position:
            raise SourceDamaged(path, f"{name} begins at byte {place.begin}, not {position}")
        position = place.end
    if position != len(data):
        raise SourceDamaged(path, f"its tensors end at byte {position} of {len(data)}")
    return places


def _place(path: Path, name: str, entry: JsonObject, start: int) -> TensorPlace:
    """Return the place that `entry` claims; its offsets are relative to byte `start`."""
    if len(name) > MAX_NAME:
        raise SourceDamaged(path, f"a name of {len(name)} characters")
    dtype = entry.text("dtype")
    shape = _sizes(path, name, entry.items("shape"))
    offsets = _sizes(path, name, entry.items("data_offsets"))
    if dtype not in _BYTES:
        raise SourceUnsupported(path, f"it has weights of the unknown type {dtype}")
    if len(shape) > MAX_DIMENSIONS or math.prod(shape) > MAX_ELEMENTS:
        raise SourceDamaged(path, f"{name} claims {len(shape)} dimensions or too many elements")
    size = math.prod(shape) * _BYTES[dtype]
    if len(offsets) != 2 or offsets[1] - offsets[0] != size:
        raise SourceDamaged(path, f"{name} does not have the {size} bytes of its shape")
    return TensorPlace(dtype, shape, start + offsets[0], start + offsets[1])


def _sizes(path: Path, name: str, values: list[Any]) -> tuple[int, ...]:
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise SourceDamaged(path, f"{name} has a size that is no whole number")
    return tuple(values)
