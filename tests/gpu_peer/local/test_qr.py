"""QR codes as text: every module of what segno computes, and where it is dark."""

import itertools

import segno

from gpu_peer.local.qr import half_blocks

LINK = "http://localhost:8080/pair#" + "0123456789abcdef" * 2 + ".7ZRA0W4KABCDEFGH"
UPPER, LOWER = "▀█", "▄█"


def modules(lines: list[str]) -> list[list[bool]]:
    """What is drawn, two rows from each line."""
    rows = ([[char in half for char in line] for half in (UPPER, LOWER)] for line in lines)
    return list(itertools.chain.from_iterable(rows))


def expected() -> list[list[bool]]:
    code = segno.make_qr(LINK, error="l", boost_error=False)
    return [[bool(module) for module in row] for row in code.matrix_iter(border=4)]


def test_on_a_terminal_dark_modules_are_black_on_white_whatever_its_colours() -> None:
    black_on_white, reset = "\x1b[38;5;16;48;5;231m", "\x1b[0m"
    lines = half_blocks(LINK, coloured=True)
    assert all(line.startswith(black_on_white) and line.endswith(reset) for line in lines)
    drawn = modules([line.removeprefix(black_on_white).removesuffix(reset) for line in lines])
    assert drawn[: len(expected())] == expected()
    assert not any(any(row) for row in drawn[len(expected()) :])


def test_without_colours_what_is_light_is_drawn_and_nothing_steers() -> None:
    lines = half_blocks(LINK, coloured=False)
    light = [[not module for module in row] for row in modules(lines)]
    assert light[: len(expected())] == expected()
    assert set("".join(lines)) <= set(" ▀▄█")


def test_it_fits_a_terminal_of_80_by_24() -> None:
    lines = half_blocks(LINK, coloured=False)
    assert len(lines) < 24
    assert len(lines[0]) <= 80
