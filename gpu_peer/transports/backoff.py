"""How long to wait before trying again: exponential with full jitter. Pure."""

FIRST_S = 0.5
LONGEST_S = 15.0


def delay_s(failures: int, chance: float) -> float:
    """Give the wait after so many failures in a row.

    Args:
        failures: At least 1.
        chance: Of [0, 1); spreads homes that lost the same server.
    """
    ceiling = min(LONGEST_S, FIRST_S * 2.0 ** min(failures - 1, 16))
    return ceiling * chance
