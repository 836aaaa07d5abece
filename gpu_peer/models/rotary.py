"""The frequencies of rotary positions, and the tables that the graph looks them up in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpu_peer.models.quantize import Float32Array

_ROWS_AT_ONCE = 4_096  # angles are float64 and as large as the tables, so never all at once


@dataclass(frozen=True)
class Rotary:
    """How fast the pairs of a head turn.

    Attributes:
        base: Pair i of n turns by base ** (-i / n) at each position.
        factor: All frequencies are divided by it (linear scaling).
        factors: The frequency of each pair is divided by its own (the scaling of Llama 3, as GGUF
            files carry it in `rope_freqs.weight`); empty: by none.
    """

    base: float
    factor: float = 1.0
    factors: tuple[float, ...] = ()


def rotary_tables(
    rotary: Rotary, head_dim: int, positions: int
) -> tuple[Float32Array, Float32Array]:
    """Return cosines and sines, each [positions, head_dim / 2] float32."""
    exponents = np.arange(0, head_dim, 2, dtype=np.float64) / head_dim
    frequencies = rotary.base**-exponents / rotary.factor
    if rotary.factors:
        frequencies /= np.array(rotary.factors)
    cosines = np.empty((positions, head_dim // 2), dtype=np.float32)
    sines = np.empty_like(cosines)
    for start in range(0, positions, _ROWS_AT_ONCE):
        rows = slice(start, min(start + _ROWS_AT_ONCE, positions))
        angles = np.outer(np.arange(rows.start, rows.stop), frequencies)
        cosines[rows], sines[rows] = np.cos(angles), np.sin(angles)
    return cosines, sines


def llama3_factors(
    base: float, head_dim: int, factor: float, bounds: tuple[float, float], trained: int
) -> tuple[float, ...]:
    """Return what Llama 3's scaling divides the frequency of each pair by: 1 up to `factor`.

    A pair that turns at least `bounds[1]` times in the `trained` positions is left alone, one that
    turns less than `bounds[0]` times is slowed by `factor`, and between them it is interpolated.
    """
    low, high = bounds
    frequencies = base ** (-np.arange(0, head_dim, 2, dtype=np.float64) / head_dim)
    turns = trained * frequencies / (2 * np.pi)
    share = np.clip((turns - low) / (high - low), 0, 1)
    return tuple(float(1 / ((1 - one) / factor + one)) for one in share)
