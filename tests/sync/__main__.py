"""`python -m tests.sync` plays seeds on every core; `--seed N` plays one and shows what happens."""

import argparse
import os
import subprocess
import sys
import time

from tests.sync.build import ROOT, build
from tests.sync.worker import play


def main() -> int:
    """Give the exit status: 1 when any seed failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.sync", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000, help="how many to play")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="play only this one, and show what happens")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    build()
    if chosen.seed is not None:
        return play(chosen.seed, 1, 1, "tale")
    return _play_all(chosen.first, chosen.seeds, chosen.workers)


def _play_all(first: int, count: int, workers: int) -> int:
    begun_s = time.monotonic()
    # Hashes of strings are of the seed too: sets have an order, and some of it can be seen.
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    played = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.sync.worker"),
                *map(str, (first + index, len(range(index, count, workers)), workers, "quiet")),
            ],
            cwd=ROOT,
            env=environment,
        )
        for index in range(workers)
    ]
    failed = [process for process in played if process.wait() != 0]
    took_s = time.monotonic() - begun_s
    print(f"{count} seeds from {first} in {took_s:.0f} s: {'FAILED' if failed else 'all agree'}")
    if failed:
        print("A seed alone, with all that happens: scripts/test sync --seed N")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
