"""When a part that ended is started again."""

from dataclasses import dataclass

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 10.0
STEADY_S = 30.0


@dataclass(frozen=True)
class Restarts:
    """How often a part ended soon after its start; pure, the caller has the clock."""

    quick_ends: int = 0

    def after_end(self, ran_s: float) -> "Restarts":
        """Count an end; a part that ran for a while begins anew."""
        return Restarts(0 if ran_s >= STEADY_S else self.quick_ends + 1)

    @property
    def wait_s(self) -> float:
        """How long to wait before the next start, in seconds."""
        return min(FIRST_WAIT_S * 2.0 ** max(self.quick_ends - 1, 0), LONGEST_WAIT_S)
