"""The command `pair` as a person sees it on a terminal."""

import asyncio
import contextlib
import os
import sys
from pathlib import Path
from typing import IO

import pytest

from tests.gpu_peer.local.house import ROOT, House, Run, after_answer, paired

termios = pytest.importorskip("termios", reason="Windows has no such terminals")


async def shown(folder: Path, *words: str, typed: bytes = b"", columns: int = 80) -> str:
    """Run it on a terminal of 24 lines to its end, which is a success; give what was on it."""
    ours, theirs = os.openpty()
    with os.fdopen(ours, "r+b", buffering=0) as terminal:
        termios.tcsetwinsize(theirs, (24, columns))
        terminal.write(typed)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gpu_peer", "pair", *words),
            env={**os.environ, "HEARTH_DATA": str(folder), "PYTHONUTF8": "1"},
            cwd=ROOT,
            stdin=theirs,
            stdout=theirs,
        )
        os.close(theirs)
        text = await asyncio.to_thread(all_of, terminal)
        async with asyncio.timeout(30):
            assert await process.wait() == 0
    return text


def all_of(terminal: IO[bytes]) -> str:
    """Read until nobody has the terminal any more, which is an error on Linux."""
    read = b""
    with contextlib.suppress(OSError):
        while piece := terminal.read(4096):
            read += piece
    return read.decode()


async def test_the_qr_is_black_on_white_whatever_the_terminals_colours(runs: Run) -> None:
    text = await shown(await runs(House(paired)))
    assert text.count("\x1b[38;5;16;48;5;231m") == 21
    assert text.count("\x1b[0m\r\n") == 21
    assert text.endswith("Paired: Phone is Ann's now.\r\n")


async def test_a_window_that_is_too_narrow_for_it_gets_the_code_only(runs: Run) -> None:
    text = await shown(await runs(House(paired)), columns=40)
    assert "For a QR code the window has to be 41 columns wide.\r\n" in text
    assert "    7ZRA-0W4K-ABCD-EFGH\r\n" in text
    assert "█" not in text


async def test_a_person_answers_whether_the_codes_are_equal(runs: Run) -> None:
    house = after_answer(paired)
    text = await shown(await runs(house), "--compare", typed=b"y\n")
    assert "    7ZRA-0W4K\r\n\r\nDoes the device show the same? [y/n] " in text
    assert text.endswith("Paired: Phone is Ann's now.\r\n")
