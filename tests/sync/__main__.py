"""`python -m tests.sync` plays seeds on every core; `--seed N` plays one and shows what happens."""

import argparse
import os
import subprocess
import sys
import time

from tests.sync import power
from tests.sync.build import ROOT, build

MOST_FAILURES = 5
"""A worker that has found so many gives up: see `main.ts`."""


def main() -> int:
    """Give the exit status: 1 when any seed failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.sync", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000, help="how many to play")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="play only this one, and show what happens")
    parser.add_argument("--deeds", type=int, default=0, help="in each; 6 to 25 without")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    build()
    if not power.register():
        print("SQLite is built into this Python and cannot be watched: power is not lost here.")
    if chosen.seed is not None:
        return _play(chosen.seed, 1, 1, chosen.deeds, "tale")
    return _play(chosen.first, chosen.seeds, chosen.workers, chosen.deeds, "quiet")


def _play(first: int, count: int, workers: int, deeds: int, how: str) -> int:
    begun_s = time.monotonic()
    # Hashes of strings are of the seed too: sets have an order, and some of it can be seen.
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    played = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.sync.worker"),
                *map(str, (first + index, len(range(index, count, workers)), workers, deeds, how)),
            ],
            cwd=ROOT,
            env=environment,
        )
        for index in range(workers)
    ]
    statuses = [process.wait() for process in played]
    failed = sum(min(status, MOST_FAILURES) if status >= 0 else 1 for status in statuses)
    took_s = time.monotonic() - begun_s
    if failed and how == "quiet":
        named = f" --deeds {deeds}" if deeds else ""
        print(f"A seed alone, with all that happens: scripts/test sync --seed N{named}")
    print(f"{count} seeds from {first} in {took_s:.0f} s: {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
