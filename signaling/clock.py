"""The two clocks, handed in so that tests can turn them."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """`wall` gives seconds since 1970, for tokens; `steady` never goes back, for limits."""

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic
