"""Rotary tables: how fast each pair of a head turns."""

from __future__ import annotations

import numpy as np

from gpu_peer.models.rotary import Rotary, rotary_tables


def angles_of(rotary: Rotary) -> np.ndarray:
    """Return the angles [3, 2] of the first positions of a head of 4."""
    cosines, sines = rotary_tables(rotary, 4, 3)
    return np.arctan2(sines, cosines)


def test_pairs_turn_by_position_over_base() -> None:
    assert np.allclose(angles_of(Rotary(100.0)), [[0, 0], [1, 0.1], [2, 0.2]])


def test_linear_scaling_slows_all_pairs() -> None:
    assert np.allclose(angles_of(Rotary(100.0, 4.0)), [[0, 0], [0.25, 0.025], [0.5, 0.05]])


def test_each_pair_may_have_its_own_factor() -> None:
    scaled = Rotary(100.0, factors=(1.0, 8.0))
    assert np.allclose(angles_of(scaled), [[0, 0], [1, 0.0125], [2, 0.025]])


def test_long_tables_are_computed_in_parts_that_fit_together() -> None:
    positions = 10_000
    cosines, sines = rotary_tables(Rotary(1e6), 16, positions)
    expected = np.outer(np.arange(positions), 1e6 ** -(np.arange(8) / 8))
    assert np.abs(cosines - np.cos(expected)).max() < 1e-6
    assert np.abs(sines - np.sin(expected)).max() < 1e-6
