"""What a command shows: lines for a terminal, a file or a pipe."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TextIO

from gpu_peer.daemon_thread import in_daemon_thread

ReadLine = Callable[[], Awaitable[str]]
"""Gives a line that a person typed, with its end; an empty text where nobody can."""


def plain(name: str) -> str:
    """Give a name that others chose without what would steer a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)


def in_groups(code: str) -> str:
    """Give a code as it is read aloud: `ABCD-EFGH`."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


async def read_line() -> str:
    """Wait for a line from standard input."""
    # Not in an executor: the end of the command would wait for a line that nobody types.
    return await in_daemon_thread(_read_line, "stdin")


def _read_line() -> str:
    try:
        return sys.stdin.readline()
    except (OSError, ValueError):  # closed, or not text
        return ""


class Screen:
    """Writes lines; on a terminal also one that changes."""

    def __init__(self, out: TextIO, read: ReadLine = read_line) -> None:
        self._out = out
        self._read = read
        self._changing = 0
        self._asking = False

    @property
    def is_terminal(self) -> bool:
        """Whether a person looks at it, and lines can change."""
        return self._out.isatty()

    @property
    def columns(self) -> int | None:
        """How wide it is; a file has no end."""
        return shutil.get_terminal_size().columns if self.is_terminal else None

    def can_show(self, text: str) -> bool:
        """Whether the text's characters can be written."""
        try:
            text.encode(self._encoding)
        except UnicodeEncodeError:
            return False
        return True

    def say(self, *lines: str) -> None:
        """Write lines, over the one that changes."""
        self._write("\n".join((self._over("") + lines[0], *lines[1:], "")))

    async def is_yes(self, question: str) -> bool:
        """Ask until the answer is y or n; where nobody can answer, it is no."""
        self._asking = True
        try:
            while True:
                self._write(f"{self._over('')}{question} [y/n] ")
                answer = await self._read()
                if not answer.endswith("\n") or not self.is_terminal:
                    self._write("\n")  # what a person types on a terminal is seen, its end too
                if answer.strip().lower() in ("y", "yes", "n", "no"):
                    return answer.strip().lower().startswith("y")
                if not answer:
                    self.say("Nobody can answer here. Run it in a terminal.")
                    return False
        finally:
            self._asking = False

    @asynccontextmanager
    async def counting_down(self, seconds: int) -> AsyncIterator[None]:
        """Show the time that is left: on a terminal while it passes, else once."""
        if not self.is_terminal:
            self.say(f"This is good for {_minutes(seconds)} minutes.")
            yield
            return
        task = asyncio.ensure_future(self._count_down(seconds))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait((task,))
            self._write(self._over(""))

    async def _count_down(self, seconds: int) -> None:
        for left in range(seconds, -1, -1):
            if not self._asking:
                text = f"{_minutes(left)} left. Ctrl+C ends it."
                self._write(self._over(text))
                self._changing = len(text)
            await asyncio.sleep(1)

    def _over(self, text: str) -> str:
        """Give what puts a text in the place of the line that changes."""
        width, self._changing = self._changing, 0
        return f"\r{text:{width}}" + ("" if text else "\r") if width else text

    def _write(self, text: str) -> None:
        self._out.write(text.encode(self._encoding, "replace").decode(self._encoding))
        self._out.flush()

    @property
    def _encoding(self) -> str:
        return self._out.encoding or "utf-8"


def _minutes(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02}"
