"""The memory a model needs on a card."""

from __future__ import annotations

from gpu_peer.devices.memory import WORKSPACE_BYTES, needed_bytes, rows_that_fit

MANIFEST = {
    "layers": 2,
    "kv_heads": 3,
    "head_dim": 64,
    "context_length": 1000,
    "files": {"model.onnx.data": {"size": 5_000_000}, "model.onnx": {"size": 1}},
}
POSITION = 2 * 2 * 2 * 3 * 64  # two bytes for key and value of each layer, head and width


def test_weights_cache_and_workspace_are_counted() -> None:
    assert needed_bytes(MANIFEST, 500) == 5_000_001 + 500 * POSITION + WORKSPACE_BYTES
    assert needed_bytes(MANIFEST, 500, rows=4) == 5_000_001 + 2000 * POSITION + WORKSPACE_BYTES


def test_no_more_positions_are_counted_than_the_model_has() -> None:
    assert needed_bytes(MANIFEST, 4096) == needed_bytes(MANIFEST, 1000)


def test_as_many_answers_run_together_as_there_is_room_for() -> None:
    room = needed_bytes(MANIFEST, 500, rows=3)
    assert rows_that_fit(room, MANIFEST, 500, most=8) == 3
    assert rows_that_fit(room - 1, MANIFEST, 500, most=8) == 2
    assert rows_that_fit(room, MANIFEST, 500, most=2) == 2
    assert rows_that_fit(0, MANIFEST, 500, most=8) == 1
