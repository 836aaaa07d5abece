"""Every error has its place in the tree, a code of the wire, and a sentence."""

from typing import get_args

import pytest

from protocol.errors import ErrorCode
from signaling import errors

REFUSALS = errors.Refused.__subclasses__()
STARTS = errors.CannotStart.__subclasses__()


@pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.__name__)
def test_a_refusal_is_complete(kind: type[errors.Refused]) -> None:
    assert kind.code in get_args(ErrorCode)
    assert 400 <= kind.status < 600
    assert str(kind()).endswith(".")
    assert f"{kind.__name__:<20} {kind.status}  {kind.code}" in (errors.__doc__ or "")


@pytest.mark.parametrize("kind", STARTS, ids=lambda kind: kind.__name__)
def test_the_tree_names_it(kind: type[errors.CannotStart]) -> None:
    assert f"── {kind.__name__} " in (errors.__doc__ or "")


@pytest.mark.parametrize(("wait", "seconds"), [(0.01, 1), (1.2, 2), (30, 30), (None, None)])
def test_waiting_is_said_in_whole_seconds(wait: float | None, seconds: int | None) -> None:
    assert errors.RateLimited(retry_after=wait).retry_after_s == seconds
