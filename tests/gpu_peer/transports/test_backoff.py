from hypothesis import given
from hypothesis import strategies as st

from gpu_peer.transports.backoff import FIRST_S, LONGEST_S, delay_s

chances = st.floats(0, 1, exclude_max=True)


@given(st.integers(1, 10_000), chances)
def test_never_longer_than_the_longest(failures: int, chance: float) -> None:
    assert 0 <= delay_s(failures, chance) <= LONGEST_S


def test_the_ceiling_doubles_and_any_part_of_it_may_come() -> None:
    assert [delay_s(n, 0.5) for n in (1, 2, 3)] == [FIRST_S / 2, FIRST_S, FIRST_S * 2]
    assert delay_s(5, 0.0) == 0.0
