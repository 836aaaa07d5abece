"""A QR code (ISO/IEC 18004) as lines of text."""

import segno

QUIET_ZONE = 4
"""Light modules around it, which the standard asks for."""

# Colours that themes of terminals do not change: black on white.
_BLACK_ON_WHITE = "\x1b[38;5;16;48;5;231m"
_RESET = "\x1b[0m"

_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def half_blocks(text: str, *, coloured: bool) -> list[str]:
    """Draw two rows of modules in one line of text.

    Args:
        text: What a scanner reads.
        coloured: Say in colours what is dark, as a terminal understands it; it is scanned then
            whatever the terminal's own are. Else light modules are drawn, for a dark background.
    """
    code = segno.make_qr(text, error="l", boost_error=False)
    rows = [[bool(module) for module in row] for row in code.matrix_iter(border=QUIET_ZONE)]
    rows += [[False] * len(rows[0])] * (len(rows) % 2)
    lines = []
    for upper, lower in zip(rows[::2], rows[1::2], strict=True):
        if coloured:
            drawn = "".join(_HALVES[pair] for pair in zip(upper, lower, strict=True))
            lines.append(f"{_BLACK_ON_WHITE}{drawn}{_RESET}")
        else:
            lines.append("".join(_HALVES[not a, not b] for a, b in zip(upper, lower, strict=True)))
    return lines
