"""The shapes that an engine is planned for: the least, the usual and the largest of each input."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Shape: TypeAlias = tuple[int, ...]
ShapeRange: TypeAlias = tuple[Shape, Shape, Shape]


@dataclass(frozen=True)
class Limits:
    """What an engine has to take.

    Attributes:
        rows: Answers that decode together.
        chunk: Tokens of a prompt that are fed at once.
        context: Positions of the cache.
    """

    rows: int = 8
    chunk: int = 256
    context: int = 4096


def shape_ranges(inputs: Mapping[str, Sequence[int]], limits: Limits) -> dict[str, ShapeRange]:
    """Give the range of each input of a model folder's graph.

    Args:
        inputs: Shapes by name; -1 where a dimension is free.
        limits: What is asked of the engine.
    """
    rows, chunk, context = limits.rows, limits.chunk, limits.context

    def ranges(name: str, shape: Sequence[int]) -> ShapeRange:
        if name == "input_ids":
            return (1, 1), (1, 1), (rows, chunk)
        if name == "attention_mask":
            return (1, 1), (1, context), (rows, context)
        _, heads, _, width = shape  # a cache, whose buffer has its whole length from the start
        return (1, heads, 1, width), (1, heads, context, width), (rows, heads, context, width)

    return {name: ranges(name, shape) for name, shape in inputs.items()}
