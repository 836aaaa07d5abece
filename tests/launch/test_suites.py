"""Which tests belong to which part."""

from launch import suites
from launch.settings import ROOT


def test_a_whole_run_has_every_part_but_the_choices_from_others() -> None:
    assert set(suites.PARTS) - set(suites.WHOLE) == {"trust", "sync", "roads"}


def test_what_the_part_of_trust_names_is_there() -> None:
    named = [ROOT / path for path in suites.TRUST]
    named += [ROOT / "pwa" / path for path in suites.TRUST_IN_THE_APP]
    assert [path for path in named if not path.exists()] == []
    tests = [path.name for path in (ROOT / "tests" / "e2e").glob("*.test.ts")]
    assert any(name.startswith("hostile") for name in tests)
