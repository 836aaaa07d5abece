"""Steps of preparation: each runs a command when what it depends on has changed."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from launch.errors import LaunchError

STILL_RUNNING_S = 15.0
DISK_FULL = ("no space left on device", "enospc", "disk quota exceeded")


@dataclass(frozen=True)
class Step:
    """A command and what makes it necessary.

    Attributes:
        name: a file-safe name; the stamp and the log are kept under it.
        title: what a person reads while it runs.
        commands: run in order, each an argument list.
        inputs: files and folders whose content decides whether the step is up to date.
        outputs: what the step makes; when one is gone the step runs again.
        remedy: what a person may do when it fails.
        lives_in: a folder that the step puts things into; when that is made anew, so is this.
    """

    name: str
    title: str
    commands: Sequence[Sequence[str]]
    inputs: Sequence[Path]
    outputs: Sequence[Path]
    cwd: Path
    remedy: str
    environment: Mapping[str, str] = field(default_factory=dict)
    lives_in: Path | None = None


class Workshop:
    """Runs steps, in lanes beside each other, and remembers what is done in `cache`."""

    def __init__(self, cache: Path, say: Callable[[str], None]) -> None:
        self._stamps, self._logs = cache / "stamps", cache / "logs"
        self._say = say
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._stopping = False

    def prepare(self, *lanes: Sequence[Step]) -> None:
        """Run each lane's steps in order, the lanes at the same time.

        Raises:
            LaunchError: a step failed; the other lanes are stopped.
        """
        self._stamps.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(max_workers=len(lanes)) as pool:
            try:
                errors = [error for error in pool.map(self._run_lane, lanes) if error is not None]
            except BaseException:
                self.stop()  # or leaving the pool would wait for what runs
                raise
        if errors:
            raise errors[0]

    def has_work(self, *lanes: Sequence[Step]) -> bool:
        """Tell whether any step is out of date."""
        return any(not self._is_done(step) for lane in lanes for step in lane)

    def stop(self) -> None:
        """End whatever runs, and start nothing more."""
        with self._lock:
            self._stopping = True
            for process in self._running:
                _kill_group(process)

    def _run_lane(self, steps: Iterable[Step]) -> LaunchError | None:
        try:
            for step in steps:
                if not self._stopping and not self._is_done(step):
                    self._run(step)
        except LaunchError as error:
            already_stopping = self._stopping
            self.stop()
            return None if already_stopping else error
        return None

    def _run(self, step: Step) -> None:
        started = time.monotonic()
        self._say(f"{step.title} …")
        stamp = self._stamp(step)
        stamp.unlink(missing_ok=True)
        log = self._logs / f"{step.name}.log"
        with log.open("wb") as output:
            for command in step.commands:
                self._run_command(step, command, output.fileno(), started, log)
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(digest(step))
        self._say(f"{step.title}: done in {time.monotonic() - started:.0f} s")

    def _run_command(
        self, step: Step, command: Sequence[str], output: int, started: float, log: Path
    ) -> None:
        with self._lock:
            if self._stopping:
                raise LaunchError("Stopped.")
            process = subprocess.Popen(
                command,
                cwd=step.cwd,
                env={**os.environ, **step.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=sys.platform != "win32",
            )
            self._running.add(process)
        while True:
            try:
                code = process.wait(timeout=STILL_RUNNING_S)
                break
            except subprocess.TimeoutExpired:
                self._say(f"{step.title}: {time.monotonic() - started:.0f} s so far …")
        with self._lock:
            self._running.discard(process)
        if code != 0:
            raise LaunchError(_failure(step, log))

    def _stamp(self, step: Step) -> Path:
        return (step.lives_in / ".stamps" if step.lives_in else self._stamps) / step.name

    def _is_done(self, step: Step) -> bool:
        stamp = self._stamp(step)
        made = all(path.exists() for path in step.outputs)
        return made and stamp.exists() and stamp.read_text() == digest(step)


def digest(step: Step) -> str:
    """Summarise the commands and the content of the inputs (SHA-256, hex)."""
    # Neither the environment, which holds a PATH, nor which Python this is: a new shell must not
    # mean a new build.
    commands = repr(step.commands).replace(repr(sys.executable), "python")
    summary = hashlib.sha256(commands.encode())
    for path in _files(step.inputs):
        summary.update(str(path.relative_to(step.cwd.anchor)).encode() + b"\0")
        summary.update(hashlib.sha256(path.read_bytes()).digest())
    return summary.hexdigest()


def free_bytes(folder: Path) -> int:
    """Give the free space of the disk that the folder is on or will be made on."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _files(inputs: Iterable[Path]) -> Iterable[Path]:
    for path in inputs:
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.is_file() and p.suffix != ".so")
        elif path.exists():
            yield path


def _failure(step: Step, log: Path) -> str:
    text = log.read_text("utf-8", errors="replace")
    if any(words in text.lower() for words in DISK_FULL):
        return f"The disk is full: {step.title.lower()} could not be finished. Free some space."
    last = "\n".join(f"    {line}" for line in text.splitlines()[-15:])
    return f"{step.title} failed. {step.remedy} The whole output is in {log}; its end:\n{last}"


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
