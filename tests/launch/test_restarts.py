from hypothesis import given
from hypothesis import strategies as st
from launch.restarts import FIRST_WAIT_S, LONGEST_WAIT_S, STEADY_S, Restarts


def test_a_part_that_ran_for_long_is_started_again_at_once() -> None:
    tired = Restarts(quick_ends=9)
    assert tired.after_end(STEADY_S).wait_s == FIRST_WAIT_S


@given(st.lists(st.floats(0, STEADY_S, exclude_max=True), min_size=2, max_size=40))
def test_quick_ends_wait_longer_and_longer_up_to_a_limit(runs: list[float]) -> None:
    waits, restarts = [], Restarts()
    for ran in runs:
        restarts = restarts.after_end(ran)
        waits.append(restarts.wait_s)
    assert waits[0] == FIRST_WAIT_S
    assert waits == sorted(waits)
    assert max(waits) <= LONGEST_WAIT_S
    assert waits[1] > waits[0]
