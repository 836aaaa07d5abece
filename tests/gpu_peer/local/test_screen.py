"""What a command writes, on a terminal and elsewhere."""

import asyncio
import io

import pytest

from gpu_peer.local.screen import Screen, in_groups, plain


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Ascii(io.StringIO):
    encoding = "ascii"  # type: ignore[assignment]


def answers(*lines: str) -> Screen:
    left = list(lines)

    async def read() -> str:
        return left.pop(0) if left else ""

    return Screen(io.StringIO(), read)


def test_a_name_cannot_steer_the_terminal() -> None:
    assert plain("a\x1b[2J\r\n\u202eb\ud800c") == "a�[2J���b�c"
    assert plain("Кухня 7 ½") == "Кухня 7 ½"


def test_codes_are_shown_in_groups() -> None:
    assert in_groups("7ZRA0W4K") == "7ZRA-0W4K"


def test_what_the_stream_cannot_write_is_replaced_and_known_before() -> None:
    out = Ascii()
    screen = Screen(out)
    screen.say("Аня's phone")
    assert out.getvalue() == "???'s phone\n"
    assert not screen.can_show("▀")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["y\n"], True),
        (["Yes\n"], True),
        (["n\n"], False),
        (["maybe\n", "\n", "y\n"], True),
        ([], False),
    ],
)
async def test_only_y_or_n_is_an_answer_and_silence_is_no(typed: list[str], expected: bool) -> None:
    assert await answers(*typed).is_yes("Equal?") is expected


async def test_elsewhere_than_on_a_terminal_lines_never_change() -> None:
    out = io.StringIO()
    screen = Screen(out)
    async with screen.counting_down(120):
        screen.say("one")
    assert out.getvalue() == "This is good for 2:00 minutes.\none\n"


async def test_on_a_terminal_the_time_left_gives_way_to_what_is_said() -> None:
    out = Terminal()
    screen = Screen(out)
    async with screen.counting_down(65):
        await asyncio.sleep(0)  # the countdown begins
        screen.say("one")
    lines = out.getvalue().split("\r")
    assert lines[0] == "1:05 left. Ctrl+C ends it."
    assert lines[1] == " " * len(lines[0])
    assert lines[-1].endswith("one\n")
