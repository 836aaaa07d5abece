"""How much of a card's memory a model folder takes."""

from collections.abc import Mapping
from typing import Any

HALF_BYTES = 2
WORKSPACE_BYTES = 512 << 20
"""For activations, kernels and the context of CUDA; generous, it has not been measured."""


def needed_bytes(manifest: Mapping[str, Any], context_length: int, rows: int = 1) -> int:
    """Estimate what a float16 folder needs, from its `hearth.json`.

    Args:
        manifest: The content of `hearth.json`.
        context_length: Positions of one answer's cache, as asked; the model may have fewer.
        rows: Answers that are held at the same time.
    """
    weights = sum(int(file["size"]) for file in manifest["files"].values())
    return weights + rows * _row_bytes(manifest, context_length) + WORKSPACE_BYTES


def rows_that_fit(
    free_bytes: int, manifest: Mapping[str, Any], context_length: int, most: int
) -> int:
    """Give how many answers can be held at the same time, 1 to `most`; 1 where none fits."""
    room = free_bytes - needed_bytes(manifest, context_length, rows=0)
    return max(1, min(most, room // _row_bytes(manifest, context_length)))


def _row_bytes(manifest: Mapping[str, Any], context_length: int) -> int:
    positions = min(context_length, int(manifest["context_length"]))
    width = int(manifest["layers"]) * int(manifest["kv_heads"]) * int(manifest["head_dim"])
    return positions * 2 * width * HALF_BYTES
