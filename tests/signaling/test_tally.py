"""Failed tries by name, in bounded memory."""

from signaling.tally import Tally, Tries


def test_tries_are_counted_by_name_in_any_case_and_taken_once() -> None:
    tally = Tally(10)
    tally.count("Ёж", 1.0)
    tally.count("ёЖ", 3.0)
    tally.count("Ann", 2.0)
    assert tally.take("ЁЖ") == Tries(count=2, first_at=1.0, last_at=3.0)
    assert tally.take("ЁЖ") is None
    assert tally.take_all() == {"ann": Tries(count=1, first_at=2.0, last_at=2.0)}
    assert len(tally) == 0


def test_the_names_tried_last_are_remembered() -> None:
    tally = Tally(2)
    for name in ("a", "b", "a", "c"):
        tally.count(name, 0.0)
    assert len(tally) == 2
    assert tally.take("b") is None
    assert tally.take("a") == Tries(count=2, first_at=0.0, last_at=0.0)
