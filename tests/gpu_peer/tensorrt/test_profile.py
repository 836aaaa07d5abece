"""The shapes that an engine is planned for."""

from __future__ import annotations

from gpu_peer.tensorrt.profile import Limits, shape_ranges


def test_every_input_has_a_least_a_usual_and_a_largest_shape() -> None:
    cache = "past_key_values.0.key"
    inputs = {"input_ids": (-1, -1), "attention_mask": (-1, -1), cache: (-1, 3, -1, 64)}
    assert shape_ranges(inputs, Limits(rows=4, chunk=32, context=100)) == {
        "input_ids": ((1, 1), (1, 1), (4, 32)),
        "attention_mask": ((1, 1), (1, 100), (4, 100)),
        cache: ((1, 3, 1, 64), (1, 3, 100, 64), (4, 3, 100, 64)),
    }
