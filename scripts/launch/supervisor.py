"""Keeps the parts running: starts them in order, restarts what dies, ends them together."""

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from launch.errors import LaunchError
from launch.restarts import Restarts

POLL_S = 0.1
GRACE_S = 3.5
LOG_BYTES = 5_000_000
STILL_STARTING_S = 15.0
"""So often a long start is said to go on: a card compiles a new model for minutes."""


@dataclass(frozen=True)
class Part:
    """A process that belongs to Hearth. Without one that `is_needed`, Hearth does not start."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    cwd: Path
    log: Path
    is_needed: bool = True


class Supervisor:
    """Runs the parts until `stop`. A part is restarted whenever it ends by itself."""

    def __init__(
        self,
        parts: Sequence[Part],
        ready_url: str,
        say: Callable[[str], None],
        still_starting_s: float = STILL_STARTING_S,
    ) -> None:
        self._parts, self._ready_url, self._say = parts, ready_url, say
        self._still_starting_s = still_starting_s
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._stopping = asyncio.Event()
        self._started = False

    def stop(self) -> None:
        """End everything; `run` returns when nothing is left."""
        self._stopping.set()

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Start the parts, call `on_ready` once a chat would be answered, stay until stopped.

        Raises:
            LaunchError: a needed part ended before Hearth was ready once; its last words say why.
        """
        keepers = [asyncio.create_task(self._keep(part)) for part in self._parts]
        ready = asyncio.create_task(self._wait_until_ready())
        stopped = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait([ready, stopped, *keepers], return_when=asyncio.FIRST_COMPLETED)
            self._raise_failure(keepers)
            if ready.done():
                self._started = True
                on_ready()
            await asyncio.wait([stopped, *keepers], return_when=asyncio.FIRST_COMPLETED)
            self._raise_failure(keepers)
        finally:
            self._stopping.set()
            for task in (ready, stopped, *keepers):
                task.cancel()
            await asyncio.gather(ready, stopped, *keepers, return_exceptions=True)
            await self._end_all()

    @staticmethod
    def _raise_failure(keepers: Sequence[asyncio.Task[None]]) -> None:
        for keeper in keepers:
            if keeper.done() and (error := keeper.exception()) is not None:
                raise error

    async def _keep(self, part: Part) -> None:
        restarts = Restarts()
        while not self._stopping.is_set():
            started = time.monotonic()
            last_words = await self._run_once(part)
            if self._stopping.is_set():
                return
            if not self._started and part.is_needed:
                raise LaunchError(last_words or f"{part.name} ended at its start. See {part.log}")
            restarts = restarts.after_end(time.monotonic() - started)
            self._say(f"{part.name} ended and is started again. Its log: {part.log}")
            await asyncio.sleep(restarts.wait_s)

    async def _run_once(self, part: Part) -> str:
        """Run the part until it ends; give its last sentence."""
        part.log.parent.mkdir(parents=True, exist_ok=True)
        _rotate(part.log)
        process = await asyncio.create_subprocess_exec(
            *part.command,
            env=dict(part.environment),
            cwd=part.cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=sys.platform != "win32",
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
        self._processes[part.name] = process
        assert process.stdout is not None
        tail: deque[str] = deque(maxlen=20)
        with part.log.open("ab") as log:
            async for line in process.stdout:
                log.write(line)
                log.flush()
                tail.append(line.decode("utf-8", errors="replace").strip())
        await process.wait()
        return _last_sentence(tail)

    async def _wait_until_ready(self) -> None:
        started = said = time.monotonic()
        while not await asyncio.to_thread(_is_ready, self._ready_url):
            now = time.monotonic()
            if now - said >= self._still_starting_s:
                self._say(f"Starting, the model is being loaded: {now - started:.0f} s so far …")
                said = now
            await asyncio.sleep(POLL_S)

    async def _end_all(self) -> None:
        alive = [p for p in self._processes.values() if p.returncode is None]
        for process in alive:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        if alive:
            waits = [asyncio.create_task(process.wait()) for process in alive]
            await asyncio.wait(waits, timeout=GRACE_S)
        for process in alive:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return int(json.load(answer)["homes"]) > 0
    except (OSError, urllib.error.URLError, ValueError, KeyError):
        return False


def _last_sentence(tail: deque[str]) -> str:
    """Give the last line that is meant for a person rather than for a log reader."""
    plain = [line for line in tail if line and not line.startswith(("{", "Traceback", " "))]
    return plain[-1] if plain else ""


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".old.log"))


def _die_with_parent() -> None:
    """Let no part outlive a launcher that was killed (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    if os.getppid() == 1:
        os._exit(1)
