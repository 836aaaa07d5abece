"""`python -m launch run`, `prepare`, `test`, `release`: what the scripts of these names start."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import FrameType

from launch import browser, hosts, parts, plan, settings, suites, tools
from launch.errors import LaunchError
from launch.steps import Workshop, free_bytes
from launch.supervisor import Supervisor

NEEDED_BYTES = 3_000_000_000
NEEDED_DATA_BYTES = 600_000_000


class Interrupted(BaseException):
    """The person, or the system, asked for an end."""


def main(arguments: list[str]) -> int:
    """Run one command; every expected failure is its sentence on stderr and status 1."""
    command = arguments[0] if arguments else ""
    workshop = Workshop(settings.ROOT / ".cache", say)
    on_main_thread = threading.current_thread() is threading.main_thread()
    if on_main_thread:
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, _interrupt)
    try:
        if command == "run":
            run(workshop)
        elif command == "prepare":
            prepare(workshop, for_tests="--tests" in arguments)
        elif command == "test":
            return test(workshop, arguments[1:])
        elif command == "bench":
            return bench(workshop, arguments[1])
        elif command == "release":
            return release(workshop, arguments[1:])
        else:
            raise LaunchError("Say `launch run`, `prepare [--tests]`, `test` or `release`.")
    except LaunchError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(sentence_of(error), file=sys.stderr)
        return 1
    except Interrupted:
        workshop.stop()
        return 130
    return 0


def prepare(workshop: Workshop, *, for_tests: bool) -> None:
    """Install and build whatever is missing or out of date."""
    lanes = plan.to_test() if for_tests else plan.to_run()
    if workshop.has_work(*lanes):
        tools.require(tools.BUILD_TOOLS)
        require_space(settings.ROOT, NEEDED_BYTES)
    workshop.prepare(*lanes)


def run(workshop: Workshop) -> None:
    """Prepare, start the parts, and stay until a signal."""
    chosen = settings.read(os.environ)
    require_port(chosen)
    prepare(workshop, for_tests=False)
    if not (chosen.data / "models").exists():
        require_space(chosen.data, NEEDED_DATA_BYTES)
    chosen.data.mkdir(parents=True, exist_ok=True)
    parts.model_folder(chosen)
    asyncio.run(_supervise(chosen))


def test(workshop: Workshop, chosen: list[str]) -> int:
    """Run the named parts of the tests, or all; give the exit status."""
    if chosen[:1] == ["sync"] and chosen[1:]:
        prepare(workshop, for_tests=True)
        return 1 if suites.run(suites.simulator(*chosen[1:]), say).failed else 0
    unknown = [name for name in chosen if name not in suites.PARTS]
    if unknown:
        known = ", ".join(suites.PARTS)
        raise LaunchError(f"There is no test part {unknown[0]!r}. The parts: {known}.")
    prepare(workshop, for_tests=True)
    names = chosen or suites.WHOLE
    if suites.IN_A_BROWSER.intersection(names):
        prepare_browser()
    total = suites.Tally()
    try:
        prepare_hosts(*names)
    except LaunchError as error:
        if chosen:
            raise
        # Who tests all of it need not be root; what is left out is said and counted.
        say(str(error))
        total = suites.Tally(skipped=1)
        names = [name for name in names if name not in suites.ON_HOSTS]
    todo = [suite for name in names for suite in suites.PARTS[name]()]
    total = sum((suites.run(suite, say) for suite in todo), total)
    say(str(total))
    return 1 if total.failed or not total.passed else 0


def bench(workshop: Workshop, name: str) -> int:
    """Run one of the benches that need a browser; give the exit status."""
    prepare(workshop, for_tests=True)
    prepare_browser()
    prepare_hosts(name)
    return 1 if suites.run(suites.bench(name), say).failed else 0


def release(workshop: Workshop, words: list[str]) -> int:
    """Make a release key, sign the app or check one; give the exit status."""
    tools.require((tools.NODE, tools.NPM))
    workshop.prepare(plan.to_release(sign=words[:1] == ["sign"]))
    command = parts.release_command(settings.read(os.environ), words)
    return subprocess.run(command, check=False).returncode


def prepare_browser() -> None:
    """Find or install the browser, and have one model for every Hearth that the tests start."""
    os.environ["CHROMIUM"] = browser.require(say)
    chosen = replace(settings.read(os.environ), data=suites.TEST_DATA, model="")
    os.environ["HEARTH_TEST_MODEL"] = str(parts.model_folder(chosen))


def prepare_hosts(*names: str) -> None:
    """See that hosts can be made, where a part or a bench of these names needs them."""
    if suites.ON_HOSTS.intersection(names):
        hosts.require(say)


async def _supervise(chosen: settings.Settings) -> None:
    supervisor = Supervisor(parts.home(chosen), f"{chosen.url}/readyz", say)
    loop = asyncio.get_running_loop()
    if sys.platform != "win32":
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, supervisor.stop)
    say("Starting …")
    await supervisor.run(on_ready=lambda: say(f"Hearth is ready: {chosen.url}"))


def require_port(chosen: settings.Settings) -> None:
    """Find out before a long build that the address is taken.

    Raises:
        LaunchError: another program listens there.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((chosen.host, chosen.port))
        except OSError:
            raise LaunchError(
                f"Port {chosen.port} is in use. Stop the program that has it, "
                f"or choose another: HEARTH_PORT={chosen.port + 1} ./scripts/run"
            ) from None


def require_space(folder: Path, needed: int) -> None:
    """Find out before a long build that the disk is full.

    Raises:
        LaunchError: less space than needed.
    """
    free = free_bytes(folder)
    if free < needed:
        raise LaunchError(
            f"The disk of {folder} has {free / 1e9:.1f} GB free; Hearth needs "
            f"{needed / 1e9:.1f} GB. Free some space and start again."
        )


def sentence_of(error: OSError) -> str:
    """Say what the system refused."""
    where = f" ({error.filename})" if error.filename else ""
    return f"{error.strerror or 'The system refused'}{where}. Mend that and start again."


def say(line: str) -> None:
    """Show one line of progress at once; in one piece, since two lanes speak."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise Interrupted


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
