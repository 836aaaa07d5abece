"""What the benches of the engine share: paired figures, a small chart, and the verdict.

The machine of a bench is seldom idle, and what goes on beside it changes from second to second. So
two things are compared in pairs that follow each other at once, and it is the median of the pairs'
ratios that is judged, never a quotient of figures from different minutes.
"""

import os
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_BAR = 24
_PROC_STAT = Path("/proc/stat")


@dataclass
class Comparison:
    """One rate of ours against the same rate of a rival, pair by pair; more is better.

    Without a budget it is only shown.
    """

    what: str
    rival: str
    budget: float | None
    unit: str = "tokens/s"
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    def add(self, ours: float, theirs: float) -> None:
        self.ours.append(ours)
        self.theirs.append(theirs)

    @property
    def ratios(self) -> list[float]:
        return [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def is_within_budget(self) -> bool:
        return self.budget is None or self.ratio >= self.budget

    def chart(self) -> str:
        most = max(self.ours + self.theirs)
        lines = [f"{self.what}, {self.unit}"]
        for number, (ours, theirs) in enumerate(zip(self.ours, self.theirs, strict=True), 1):
            lines.append(f"  {number:2}  {'ours':10} {ours:8.1f}  {_bar(ours / most)}")
            bar = _bar(theirs / most)
            lines.append(f"      {self.rival:10} {theirs:8.1f}  {bar}  {ours / theirs:5.2f}")
        lines.append(f"      ours       {spread(self.ours)}")
        lines.append(f"      {self.rival:10} {spread(self.theirs)}")
        return "\n".join(lines)

    def verdict(self) -> str:
        low, high = min(self.ratios), max(self.ratios)
        budget = "no budget" if self.budget is None else f"budget {self.budget:.1f}"
        return f"{self.what} {self.ratio:.2f} ({low:.2f} to {high:.2f}; {budget})"


@dataclass
class Limit:
    """A figure that may not be larger than its budget, round by round."""

    what: str
    budget: float
    unit: str = ""
    figures: list[float] = field(default_factory=list)

    def add(self, figure: float) -> None:
        self.figures.append(figure)

    @property
    def figure(self) -> float:
        return statistics.median(self.figures)

    @property
    def is_within_budget(self) -> bool:
        return self.figure <= self.budget

    def chart(self) -> str:
        most = max(self.figures) or 1
        lines = [f"{self.what}, {self.unit}" if self.unit else self.what]
        for number, figure in enumerate(self.figures, 1):
            lines.append(f"  {number:2}  {self._show(figure):>10}  {_bar(figure / most)}")
        return "\n".join(lines)

    def verdict(self) -> str:
        spread = f"{self._show(min(self.figures))} to {self._show(max(self.figures))}; "
        found = f"({spread if len(self.figures) > 1 else ''}budget {self._show(self.budget)})"
        return f"{self.what} {self._show(self.figure)} {found}"

    def _show(self, figure: float) -> str:
        return f"{figure:.0f} {self.unit}" if self.unit else f"{figure:.2f}"


@dataclass
class Floor(Limit):
    """A figure that may not be smaller than its budget, round by round."""

    @property
    def is_within_budget(self) -> bool:
        return self.figure >= self.budget


def judge(title: str, figures: Sequence[Comparison | Limit]) -> int:
    """Print the charts, then figures and budgets in the last line; give the exit status."""
    for figure in figures:
        print(figure.chart())
    print(f"{title}: {', '.join(figure.verdict() for figure in figures)}")
    return 0 if all(figure.is_within_budget for figure in figures) else 1


def paired(
    round_number: int, ours: Callable[[], float], theirs: Callable[[], float]
) -> list[float]:
    """Measure both, one after the other; which comes first alternates from round to round."""
    if round_number % 2 == 0:
        first = ours()
        return [first, theirs()]
    second = theirs()
    return [ours(), second]


def spread(values: Sequence[float]) -> str:
    """Give median, lowest and highest."""
    return f"{statistics.median(values):8.1f}  ({min(values):.1f} to {max(values):.1f})"


class Neighbours:
    """How much of the processor others took while this process and its children measured."""

    def __init__(self) -> None:
        self._wall = time.monotonic()
        self._busy = _busy_s()
        self._own = _own_s()

    def report(self) -> str:
        """Say it in a line; children count once they have ended."""
        if self._busy is None or (busy := _busy_s()) is None:
            return "Load beside it: unknown on this system."
        room = (time.monotonic() - self._wall) * (os.cpu_count() or 1)
        share = max(0.0, busy - self._busy - (_own_s() - self._own)) / room
        return f"Others took {share:.0%} of the {os.cpu_count()} cores meanwhile."


def _busy_s() -> float | None:
    """Seconds that all cores together have worked since the start of the system."""
    if not _PROC_STAT.exists():
        return None
    fields = [int(number) for number in _PROC_STAT.read_text().split("\n", 1)[0].split()[1:9]]
    idle, iowait = fields[3], fields[4]
    ticks: int = os.sysconf("SC_CLK_TCK")
    return (sum(fields) - idle - iowait) / ticks


def _own_s() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _bar(share: float) -> str:
    return ("█" * max(1, round(share * _BAR))).ljust(_BAR)
