"""Shows on standard error how far a long piece of work is."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar

Progress: TypeAlias = Callable[[str, int, int], None]


@contextmanager
def shown_progress(title: str) -> Iterator[Progress]:
    """Yield a progress callback: a bar on a terminal, else one line for each stage."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield StageLines(title)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title)

        def show(stage: str, done: int, total: int) -> None:
            bar.update(task, description=f"{title}: {stage}", completed=done, total=total)

        yield show


class StageLines:
    """Prints each stage once."""

    def __init__(self, title: str) -> None:
        """`title` begins each line."""
        self._title = title
        self._stage = ""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Print the stage, unless that was done."""
        if stage != self._stage:
            self._stage = stage
            sys.stderr.write(f"{self._title}: {stage}\n")
            sys.stderr.flush()
