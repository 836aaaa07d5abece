"""What docs/asvs.md says holds a point is really there."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
DOCUMENT = (TESTS.parent / "docs" / "asvs.md").read_text("utf-8")
WRITTEN = "\n".join(path.read_text("utf-8") for path in TESTS.rglob("test_*.py"))
SECTIONS = ["3.4", "4.4", "6.3", "7.4", "9.1", "9.2", "11.4", "17.1", "17.2", "17.3"]
POINTS = {
    "3.4": 7,
    "4.4": 4,
    "6.3": 8,
    "7.4": 5,
    "9.1": 3,
    "9.2": 4,
    "11.4": 3,
    "17.1": 2,
    "17.2": 8,
    "17.3": 2,
}


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(test_\w+)`", DOCUMENT))))
def test_a_named_test_exists(name: str) -> None:
    assert re.search(rf"def {name}\(", WRITTEN)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([\w/.-]+\.(?:py|ts))`", DOCUMENT))))
def test_a_named_file_exists(name: str) -> None:
    assert (TESTS / name).is_file()


@pytest.mark.parametrize("title", re.findall(r'"([a-z ]{12,})"', DOCUMENT))
def test_a_named_test_in_the_browser_exists(title: str) -> None:
    written = "".join(path.read_text("utf-8") for path in (TESTS / "e2e").glob("*.test.ts"))
    assert f"test('{title}'" in written


@pytest.mark.parametrize("section", SECTIONS)
def test_every_point_is_answered(section: str) -> None:
    answered = set(re.findall(rf"(?<![\d.]){re.escape(section)}\.(\d+)(?= \(|,| )", DOCUMENT))
    assert answered == {str(number + 1) for number in range(POINTS[section])}


def test_a_yes_names_what_holds_it() -> None:
    rows = [line for line in DOCUMENT.splitlines() if re.match(r"\| \d", line)]
    for row in rows:
        _, _, answer, held, _ = (cell.strip() for cell in row.split("|"))
        if answer.startswith("yes"):
            assert "test" in held or held == "the same", row
