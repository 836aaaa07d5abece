"""Blockwise quantisers for `com.microsoft.MatMulNBits`, and the way back.

A matrix [rows, columns] is cut into blocks of 32 along its columns. A block has one float32 scale
and, for UINT4, one whole zero point: value = scale * (code - zero point). What Q4_1 and Q4_K hold
needs an offset of its own for each block: value = scale * (code - 8) + offset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Float32Array: TypeAlias = npt.NDArray[np.float32]
UInt8Array: TypeAlias = npt.NDArray[np.uint8]
BlockFormat: TypeAlias = Literal["int4", "uint4", "int8"]
WeightFormat: TypeAlias = Literal["stored", "offset4", "int4", "uint4", "int8"]

BLOCK = 32
_ROWS_AT_ONCE = 512  # keeps the temporaries of the search for scales in the processor's cache


@dataclass(frozen=True)
class QuantizedMatrix:
    """A matrix of `rows` by `columns` in the layout that MatMulNBits wants.

    Attributes:
        codes: [rows, blocks, BLOCK * bits / 8] bytes; of two 4-bit codes the low one comes first.
        scales: [rows, blocks] float32.
        zero_points: [rows, ceil(blocks / 2)] packed like the codes; None means 2 ** (bits - 1).
        bits: 4 or 8.
        offsets: [rows, blocks] float32, added to every value of a block; None: nothing is.
    """

    codes: UInt8Array
    scales: Float32Array
    zero_points: UInt8Array | None
    bits: Literal[4, 8]
    offsets: Float32Array | None = None

    @property
    def rows(self) -> int:
        """Outputs of the matrix product."""
        return int(self.codes.shape[0])

    @property
    def columns(self) -> int:
        """Inputs of the matrix product."""
        return int(self.codes.shape[1]) * BLOCK


def quantize(matrix: Float32Array, weight_format: BlockFormat) -> QuantizedMatrix:
    """Quantise `matrix` [rows, columns], columns a multiple of `BLOCK`, in the given format."""
    rows, columns = matrix.shape
    if columns % BLOCK:
        raise ValueError(f"{columns} columns are not whole blocks of {BLOCK}")
    search = {"int4": _search_int4, "uint4": _search_uint4, "int8": _search_int8}[weight_format]
    codes = np.empty((rows, columns // BLOCK, BLOCK), dtype=np.uint8)
    scales = np.empty((rows, columns // BLOCK), dtype=np.float32)
    zeros = np.empty((rows, columns // BLOCK), dtype=np.uint8)
    for start in range(0, rows, _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        blocks = matrix[part].reshape(-1, BLOCK)
        shape = scales[part].shape
        found_codes, found_scales, found_zeros = search(blocks)
        codes[part] = found_codes.reshape(*shape, BLOCK)
        scales[part] = found_scales.reshape(shape)
        zeros[part] = found_zeros.reshape(shape)
    if weight_format == "int8":
        return QuantizedMatrix(codes, scales, None, 8)
    packed_zeros = pack_nibbles(zeros) if weight_format == "uint4" else None
    return QuantizedMatrix(pack_nibbles(codes), scales, packed_zeros, 4)


def repack_q8_0(raw: UInt8Array, rows: int) -> QuantizedMatrix:
    """Return the Q8_0 blocks `raw` (a float16 scale and 32 int8 each) as int8, exactly."""
    blocks = raw.reshape(rows, -1, 2 + BLOCK)
    scales = np.ascontiguousarray(blocks[..., :2]).view("<f2")[..., 0].astype(np.float32)
    return QuantizedMatrix(blocks[..., 2:] ^ np.uint8(128), scales, None, 8)


def repack_q4_0(raw: UInt8Array, rows: int) -> QuantizedMatrix:
    """Return the Q4_0 blocks `raw` (a float16 scale and 32 codes about 8 each) as int4, exactly.

    Of a byte the low half is a code of the block's first 16 columns, the high one of its last 16.
    """
    blocks = raw.reshape(rows, -1, 2 + BLOCK // 2)
    scales = np.ascontiguousarray(blocks[..., :2]).view("<f2")[..., 0].astype(np.float32)
    halves = blocks[..., 2:]
    codes = np.concatenate([halves & 15, halves >> 4], axis=-1)
    return QuantizedMatrix(pack_nibbles(codes), scales, None, 4)


def repack_q4_1(raw: UInt8Array, rows: int) -> QuantizedMatrix:
    """Return the Q4_1 blocks `raw` (a float16 scale and minimum, and codes) with offsets."""
    blocks = raw.reshape(rows, -1, 4 + BLOCK // 2)
    pair = np.ascontiguousarray(blocks[..., :4]).view("<f2").astype(np.float32)
    scales = np.ascontiguousarray(pair[..., 0])
    halves = blocks[..., 4:]
    codes = np.concatenate([halves & 15, halves >> 4], axis=-1)
    return QuantizedMatrix(pack_nibbles(codes), scales, None, 4, pair[..., 1] + 8 * scales)


def repack_q4_k(raw: UInt8Array, rows: int) -> QuantizedMatrix:
    """Return the Q4_K blocks `raw` with offsets.

    Each 256 columns share a float16 scale and minimum, by which the 6-bit ones of its eight blocks
    of 32 are multiplied: of the first four in the low bits of 4 bytes each, of the last four in the
    halves of 4 more bytes and the high bits of the others. Two blocks share 32 bytes of codes.
    """
    blocks = raw.reshape(rows, -1, 2 + 2 + 12 + 128)
    pair = np.ascontiguousarray(blocks[..., :4]).view("<f2").astype(np.float32)
    first, second, third = (blocks[..., start : start + 4] for start in (4, 8, 12))
    steps = np.concatenate([first & 63, (third & 15) | (first >> 6 << 4)], axis=-1)
    minima = np.concatenate([second & 63, (third >> 4) | (second >> 6 << 4)], axis=-1)
    scales = (pair[..., :1] * steps).reshape(rows, -1)
    offsets = 8 * scales - (pair[..., 1:] * minima).reshape(rows, -1)
    halves = blocks[..., 16:].reshape(*blocks.shape[:2], 4, BLOCK)
    codes = np.stack([halves & 15, halves >> 4], axis=-2).reshape(rows, -1, BLOCK)
    return QuantizedMatrix(pack_nibbles(codes), scales, None, 4, offsets)


def widen(matrix: QuantizedMatrix) -> QuantizedMatrix:
    """Return an int4 matrix as int8 of exactly the same values."""
    codes = unpack_nibbles(matrix.codes, BLOCK) + np.uint8(128 - 8)
    return QuantizedMatrix(codes, matrix.scales, None, 8, matrix.offsets)


def take_rows(matrix: QuantizedMatrix, order: npt.NDArray[np.intp]) -> QuantizedMatrix:
    """Return the rows of `matrix` in another order."""
    zeros, offsets = matrix.zero_points, matrix.offsets
    return QuantizedMatrix(
        matrix.codes[order],
        matrix.scales[order],
        None if zeros is None else zeros[order],
        matrix.bits,
        None if offsets is None else offsets[order],
    )


def dequantize(matrix: QuantizedMatrix) -> Float32Array:
    """Return the [rows, columns] float32 values that `matrix` stands for."""
    rows, blocks = matrix.scales.shape
    codes = matrix.codes if matrix.bits == 8 else unpack_nibbles(matrix.codes, BLOCK)
    centre = np.float32(2 ** (matrix.bits - 1))
    values = codes.astype(np.float32)
    if matrix.zero_points is None:
        values -= centre
    else:
        values -= unpack_nibbles(matrix.zero_points, blocks)[..., None]
    values *= matrix.scales[..., None]
    if matrix.offsets is not None:
        values += matrix.offsets[..., None]
    return np.asarray(values.reshape(rows, blocks * BLOCK))


def concatenate(parts: list[QuantizedMatrix]) -> QuantizedMatrix:
    """Stack matrices of the same width by rows, as for packed QKV; int4 and int8 become int8."""
    if len({part.bits for part in parts}) > 1:
        parts = [widen(part) if part.bits == 4 else part for part in parts]
    zeros = [part.zero_points for part in parts if part.zero_points is not None]
    return QuantizedMatrix(
        np.concatenate([part.codes for part in parts]),
        np.concatenate([part.scales for part in parts]),
        np.concatenate(zeros) if zeros else None,
        parts[0].bits,
        _stacked_offsets(parts),
    )


def _stacked_offsets(parts: list[QuantizedMatrix]) -> Float32Array | None:
    if all(part.offsets is None for part in parts):
        return None
    return np.concatenate(
        [np.zeros_like(part.scales) if part.offsets is None else part.offsets for part in parts]
    )


def pack_nibbles(codes: UInt8Array) -> UInt8Array:
    """Pack 4-bit codes along the last axis, two a byte, low nibble first, padded with zero."""
    if codes.shape[-1] % 2:
        codes = np.concatenate([codes, np.zeros_like(codes[..., :1])], axis=-1)
    return np.asarray(codes[..., 0::2] | (codes[..., 1::2] << 4), dtype=np.uint8)


def unpack_nibbles(packed: UInt8Array, count: int) -> UInt8Array:
    """Undo `pack_nibbles`; `count` is the length of the last axis before packing."""
    pairs = np.stack([packed & 15, packed >> 4], axis=-1)
    return np.asarray(pairs.reshape(*packed.shape[:-1], -1)[..., :count])


_Found: TypeAlias = tuple[UInt8Array, Float32Array, UInt8Array]


def _search_int8(blocks: Float32Array) -> _Found:
    """Try scales up to a fifth wider than needed, and take the best fitting grid of each block.

    A block that was 4-bit before holds at most 16 different values, evenly spaced, and some scales
    put all of them next to whole steps: the error falls by a third against the narrowest scale.
    """
    extreme = np.abs(blocks).max(axis=1)
    best = _Best(len(blocks))
    for divisor in np.linspace(127, 104, 24, dtype=np.float32):
        codes = np.rint(blocks * _inverse(extreme / divisor)[:, None]) + np.float32(128)
        best.offer(blocks, codes, np.full(len(blocks), 128, dtype=np.float32))
    return best.found()


def _search_int4(blocks: Float32Array) -> _Found:
    """Try scales that put the largest value on -8 (as Q4_0 does) or a little beside it."""
    rows = np.arange(len(blocks))
    extreme = blocks[rows, np.abs(blocks).argmax(axis=1)]
    best = _Best(len(blocks))
    for divisor in (-8.6, -8.3, -8.0, -7.7, -7.4, -7.0, -6.6, 7.0, 7.4, 7.8):
        codes = _signed_codes(blocks, extreme / np.float32(divisor))
        best.offer(blocks, codes, np.full(len(blocks), 8, dtype=np.float32))
    return best.found()


def _signed_codes(blocks: Float32Array, scales: Float32Array) -> Float32Array:
    codes = np.rint(blocks * _inverse(scales)[:, None]) + np.float32(8)
    return np.asarray(np.clip(codes, 0, 15))


def _search_uint4(blocks: Float32Array) -> _Found:
    """Try scales about (max - min) / 15, each with the two zero points next to the ideal one."""
    low = np.minimum(blocks.min(axis=1), 0)
    high = np.maximum(blocks.max(axis=1), 0)
    best = _Best(len(blocks))
    for steps in (14.0, 14.5, 15.0, 15.5, 16.0):
        scales = (high - low) / np.float32(steps)
        inverse = _inverse(scales)
        ideal = np.floor(-low * inverse)
        for zeros in (ideal, ideal + 1):
            zeros = np.clip(zeros, 0, 15)
            codes = np.clip(np.rint(blocks * inverse[:, None]) + zeros[:, None], 0, 15)
            best.offer(blocks, codes, zeros)
    return best.found()


class _Best:
    """The codes of least squared error offered so far, block by block."""

    def __init__(self, count: int) -> None:
        self._error = np.full(count, np.inf, dtype=np.float32)
        self._codes = np.zeros((count, BLOCK), dtype=np.float32)
        self._zeros = np.zeros(count, dtype=np.float32)
        self._scales = np.zeros(count, dtype=np.float32)

    def offer(self, blocks: Float32Array, codes: Float32Array, zeros: Float32Array) -> None:
        """Fit the scale to `codes` by least squares and keep the blocks that became better."""
        steps = codes - zeros[:, None]
        power = np.einsum("ij,ij->i", steps, steps)
        match = np.einsum("ij,ij->i", steps, blocks)
        scales = match / np.maximum(power, np.float32(1))
        residual = blocks - scales[:, None] * steps
        error = np.einsum("ij,ij->i", residual, residual)
        better = error < self._error
        self._error[better] = error[better]
        self._codes[better] = codes[better]
        self._zeros[better] = zeros[better]
        self._scales[better] = scales[better]

    def found(self) -> _Found:
        return self._codes.astype(np.uint8), self._scales, self._zeros.astype(np.uint8)


def _inverse(scales: Float32Array) -> Float32Array:
    """Return 1 / scales, and 0 where a scale is too small to have a finite inverse."""
    usable = np.abs(scales) > np.finfo(np.float32).tiny
    return np.where(usable, 1 / np.where(usable, scales, 1), 0).astype(np.float32)
