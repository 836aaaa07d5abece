"""A bounds-checked cursor over the bytes of a GGUF header.

Every length in a GGUF is a claim by whoever wrote the file. Each is checked against the bytes that
are left before anything is allocated, so a hostile file costs no more than its own size.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from gguf.constants import GGUFValueType

from gpu_peer.models.errors import SourceDamaged

Scalar: TypeAlias = bool | int | float | str
Value: TypeAlias = Scalar | list[str] | npt.NDArray[Any]

MAX_KEY_BYTES = 65_535  # the specification's own limit

_FORMATS = {
    GGUFValueType.UINT8: "<B",
    GGUFValueType.INT8: "<b",
    GGUFValueType.UINT16: "<H",
    GGUFValueType.INT16: "<h",
    GGUFValueType.UINT32: "<I",
    GGUFValueType.INT32: "<i",
    GGUFValueType.FLOAT32: "<f",
    GGUFValueType.BOOL: "<?",
    GGUFValueType.UINT64: "<Q",
    GGUFValueType.INT64: "<q",
    GGUFValueType.FLOAT64: "<d",
}
_DTYPES = {
    kind: np.dtype("?" if text == "<?" else f"{text[0]}{np.dtype(text[1]).str[1:]}")
    for kind, text in _FORMATS.items()
}


class Cursor:
    """Reads little-endian GGUF values one after another."""

    def __init__(self, data: mmap.mmap | bytes, path: Path) -> None:
        """Start at the first byte of `data`, which came from `path` (named in errors)."""
        self.position = 0
        self._data = data
        self._size = len(data)
        self._path = path

    def damaged(self, why: str) -> SourceDamaged:
        """Return the error for a contradiction found at the present position."""
        return SourceDamaged(self._path, f"{why} at byte {self.position}")

    @property
    def left(self) -> int:
        """Bytes from the present position to the end of the file."""
        return self._size - self.position

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes; raises `SourceDamaged` when fewer are left."""
        if count > self.left:
            raise self.damaged(f"{count} bytes are claimed and {self.left} are left")
        start = self.position
        self.position += count
        return self._data[start : self.position]

    def integer(self, kind: GGUFValueType) -> int:
        """Return the next value of the integer type `kind`."""
        text = _FORMATS[kind]
        number: int = struct.unpack(text, self.take(struct.calcsize(text)))[0]
        return number

    def text(self, limit: int | None = None) -> str:
        """Return the next length-prefixed UTF-8 string, of at most `limit` bytes."""
        length = self.integer(GGUFValueType.UINT64)
        if limit is not None and length > limit:
            raise self.damaged(f"a name of {length} bytes")
        try:
            return self.take(length).decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.damaged("a text that is not UTF-8") from error

    def kind(self) -> GGUFValueType:
        """Return the next value type."""
        number = self.integer(GGUFValueType.UINT32)
        try:
            return GGUFValueType(number)
        except ValueError as error:
            raise self.damaged(f"an unknown value type {number}") from error

    def value(self) -> Value:
        """Return the next typed value; numeric arrays come as one-dimensional ndarrays."""
        kind = self.kind()
        if kind is GGUFValueType.STRING:
            return self.text()
        if kind is GGUFValueType.ARRAY:
            return self._array()
        scalar: Scalar = struct.unpack(_FORMATS[kind], self.take(struct.calcsize(_FORMATS[kind])))[
            0
        ]
        return scalar

    def _array(self) -> Value:
        kind = self.kind()
        count = self.integer(GGUFValueType.UINT64)
        if kind is GGUFValueType.ARRAY:
            raise self.damaged("an array of arrays")
        smallest = 8 if kind is GGUFValueType.STRING else _DTYPES[kind].itemsize
        if count * smallest > self.left:
            raise self.damaged(f"an array of {count} entries with {self.left} bytes left")
        if kind is GGUFValueType.STRING:
            return [self.text() for _ in range(count)]
        return np.frombuffer(self.take(count * smallest), dtype=_DTYPES[kind])
