"""The rule of rotating refresh tokens. Pure.

Every refresh makes the next generation of a session's tokens. The newest generation is good; the
one before is good for GRACE_S after it was rotated, for two tabs that refresh at once or an answer
that was lost; its bearer gets a sibling of the newest. Anything older was used by somebody else
before: the session ends (RFC 9700, section 4.14.2).
"""

import enum

GRACE_S = 10.0
LIFETIME_S = 30 * 24 * 3600
REMEMBERED = 300
"""Generations whose tokens are remembered, a day of refreshing every five minutes."""


class Verdict(enum.Enum):
    """What to do with a refresh token that was presented."""

    ROTATE = "the newest generation: make the next one"
    SIBLING = "the parent, within its grace: give another of the newest generation"
    REVOKE = "used before: end the session"


def judge(token: int, newest: int, rotated_at: float, now: float) -> Verdict:
    """Judge a token of generation `token` of a session whose newest is `newest`.

    `rotated_at` is when the newest generation was begun.
    """
    if token == newest:
        return Verdict.ROTATE
    if token == newest - 1 and 0 <= now - rotated_at <= GRACE_S:
        return Verdict.SIBLING
    return Verdict.REVOKE
