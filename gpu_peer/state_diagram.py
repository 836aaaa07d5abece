"""Drawings of state machines, made from their tables."""

from collections.abc import Collection, Mapping
from enum import Enum
from typing import TypeVar

S = TypeVar("S", bound=Enum)
K = TypeVar("K", bound=Enum)
A = TypeVar("A", bound=Enum)


def mermaid(table: Mapping[tuple[S, K], tuple[S, A]], start: S, ends: Collection[S]) -> str:
    """Draw a table as a mermaid state diagram, without what changes and does nothing.

    Args:
        table: State and kind of input to state and action; kinds and actions have readable values.
        start: Where the machine begins.
        ends: Where it has nothing more to do.
    """
    lines = ["stateDiagram-v2", f"    [*] --> {start.name}"]
    for (state, kind), (then, action) in table.items():
        if state not in ends and not (then is state and action.value == "nothing"):
            lines.append(f"    {state.name} --> {then.name}: {kind.value} / {action.value}")
    lines += [f"    {end.name} --> [*]" for end in ends]
    return "\n".join([*lines, ""])
