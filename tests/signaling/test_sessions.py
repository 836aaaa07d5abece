"""The rule of rotating refresh tokens."""

import pytest

from signaling.sessions import GRACE_S, Verdict, judge


@pytest.mark.parametrize(
    ("token", "after", "verdict"),
    [
        (7, 0, Verdict.ROTATE),
        (7, 1e6, Verdict.ROTATE),
        (6, 0, Verdict.SIBLING),
        (6, GRACE_S, Verdict.SIBLING),
        (6, GRACE_S + 0.001, Verdict.REVOKE),
        (6, -1, Verdict.REVOKE),
        (5, 0, Verdict.REVOKE),
        (0, 1e6, Verdict.REVOKE),
    ],
)
def test_only_the_newest_and_for_a_moment_its_parent(
    token: int, after: float, verdict: Verdict
) -> None:
    assert judge(token, newest=7, rotated_at=100, now=100 + after) is verdict
