"""The quantisers: bounded error, exact repacking, and the layout that MatMulNBits documents."""

from __future__ import annotations

import numpy as np
import pytest
from gguf import GGMLQuantizationType
from gguf.quants import dequantize as gguf_dequantize
from gguf.quants import quantize as gguf_quantize
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gpu_peer.models.quantize import (
    BLOCK,
    BlockFormat,
    Float32Array,
    QuantizedMatrix,
    concatenate,
    dequantize,
    pack_nibbles,
    quantize,
    repack_q4_0,
    repack_q8_0,
    take_rows,
    unpack_nibbles,
    widen,
)

matrices = arrays(
    np.float32,
    st.tuples(st.integers(1, 3), st.sampled_from([BLOCK, 3 * BLOCK])),
    elements=st.floats(-1e4, 1e4, width=32) | st.sampled_from([0.0, 1e-38, -1e-45]),
)


def worst_allowed(blocks: Float32Array, weight_format: BlockFormat) -> Float32Array:
    """Half a step of the plainest scale that clips nothing: an upper bound of the rms error."""
    if weight_format == "uint4":
        spread = np.maximum(blocks.max(axis=1), 0) - np.minimum(blocks.min(axis=1), 0)
        return spread / 28
    return np.abs(blocks).max(axis=1) / {"int4": 14, "int8": 254}[weight_format]


@pytest.mark.parametrize("weight_format", ["int4", "uint4", "int8"])
@given(matrix=matrices)
def test_the_error_of_every_block_is_bounded(
    weight_format: BlockFormat, matrix: Float32Array
) -> None:
    restored = dequantize(quantize(matrix, weight_format))
    assert restored.shape == matrix.shape
    error = (restored - matrix).reshape(-1, BLOCK).astype(np.float64)
    bound = worst_allowed(matrix.reshape(-1, BLOCK), weight_format) * 1.001 + 1e-37
    assert (np.sqrt((error**2).mean(axis=1)) <= bound).all()


@pytest.mark.parametrize(
    ("weight_format", "share"), [("int4", 0.08), ("uint4", 0.08), ("int8", 0.005)]
)
def test_the_error_on_weights_like_real_ones(weight_format: BlockFormat, share: float) -> None:
    matrix = np.random.default_rng(1).standard_normal((200, 128)).astype(np.float32)
    error = dequantize(quantize(matrix, weight_format)) - matrix
    assert np.sqrt((error**2).mean()) < share * 1.2


def test_weights_that_were_4_bit_fit_8_bits_better_than_by_the_narrowest_scale() -> None:
    random = np.random.default_rng(2)
    plain = random.standard_normal((64, 128)).astype(np.float32)
    matrix = gguf_dequantize(
        gguf_quantize(plain, GGMLQuantizationType.Q4_1), GGMLQuantizationType.Q4_1
    )
    blocks = matrix.reshape(-1, BLOCK)
    scales = np.abs(blocks).max(axis=1, keepdims=True) / 127
    narrowest = np.rint(blocks / scales) * scales - blocks
    searched = (dequantize(quantize(matrix, "int8")) - matrix).reshape(-1, BLOCK)
    assert (searched**2).sum() < 0.6 * (narrowest**2).sum()


@given(
    codes=arrays(
        np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 9)), elements=st.integers(0, 15)
    )
)
def test_nibbles_survive_packing(codes: np.ndarray) -> None:
    packed = pack_nibbles(codes)
    assert packed.shape == (codes.shape[0], -(-codes.shape[1] // 2))
    assert (unpack_nibbles(packed, codes.shape[1]) == codes).all()


def test_the_low_nibble_comes_first() -> None:
    assert pack_nibbles(np.array([[1, 2, 3]], dtype=np.uint8)).tolist() == [[0x21, 0x03]]


def test_codes_mean_scale_times_distance_from_the_zero_point() -> None:
    codes = np.arange(BLOCK, dtype=np.uint8).reshape(1, 1, BLOCK) % 16
    scales = np.array([[0.5]], dtype=np.float32)
    zeros = np.array([[3]], dtype=np.uint8)
    symmetric = dequantize(QuantizedMatrix(pack_nibbles(codes), scales, None, 4))
    assert symmetric[0, :3].tolist() == [-4.0, -3.5, -3.0]
    shifted = dequantize(QuantizedMatrix(pack_nibbles(codes), scales, zeros, 4))
    assert shifted[0, :3].tolist() == [-1.5, -1.0, -0.5]


@given(
    scales=arrays(np.float16, (2, 3, 1), elements=st.floats(-8, 8, width=16)),
    codes=arrays(np.int8, (2, 3, BLOCK)),
)
def test_q8_0_is_repacked_exactly(scales: np.ndarray, codes: np.ndarray) -> None:
    raw = np.concatenate([scales.view(np.uint8), codes.view(np.uint8)], axis=-1).reshape(2, -1)
    repacked = repack_q8_0(raw.reshape(-1), 2)
    assert (dequantize(repacked) == gguf_dequantize(raw, GGMLQuantizationType.Q8_0)).all()


@given(
    scales=arrays(np.float16, (2, 3, 1), elements=st.floats(-8, 8, width=16)),
    codes=arrays(np.uint8, (2, 3, BLOCK // 2)),
)
def test_q4_0_is_repacked_and_widened_exactly(scales: np.ndarray, codes: np.ndarray) -> None:
    raw = np.concatenate([scales.view(np.uint8), codes], axis=-1).reshape(2, -1)
    repacked = repack_q4_0(raw.reshape(-1), 2)
    expected = gguf_dequantize(raw, GGMLQuantizationType.Q4_0)
    assert repacked.bits == 4
    assert (dequantize(repacked) == expected).all()
    assert widen(repacked).bits == 8
    assert (dequantize(widen(repacked)) == expected).all()


@pytest.mark.parametrize("weight_format", ["int4", "uint4", "int8"])
def test_rows_can_be_taken_in_another_order(weight_format: BlockFormat) -> None:
    matrix = np.random.default_rng(4).standard_normal((5, 96)).astype(np.float32)
    quantized = quantize(matrix, weight_format)
    order = np.array([3, 0, 4, 1, 2])
    assert (dequantize(take_rows(quantized, order)) == dequantize(quantized)[order]).all()


def test_stacked_matrices_of_4_and_8_bits_become_8() -> None:
    matrix = np.random.default_rng(5).standard_normal((4, 64)).astype(np.float32)
    narrow, wide = quantize(matrix, "int4"), quantize(matrix, "int8")
    stacked = concatenate([narrow, wide])
    assert stacked.bits == 8
    both = np.concatenate([dequantize(narrow), dequantize(wide)])
    assert (dequantize(stacked) == both).all()


def test_stacked_matrices_keep_their_rows() -> None:
    random = np.random.default_rng(3)
    parts = [random.standard_normal((rows, 96)).astype(np.float32) for rows in (2, 5)]
    for weight_format in ("int4", "uint4", "int8"):
        quantized = [quantize(part, weight_format) for part in parts]
        stacked = concatenate(quantized)
        assert (stacked.rows, stacked.columns) == (7, 96)
        assert (dequantize(stacked) == np.concatenate([dequantize(q) for q in quantized])).all()


def test_rows_must_be_whole_blocks() -> None:
    with pytest.raises(ValueError, match="whole blocks"):
        quantize(np.zeros((1, 33), dtype=np.float32), "int8")
