"""`scripts/run` as a person meets it when something is in the way."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from launch import __main__ as main
from launch import settings
from launch.errors import LaunchError
from launch.steps import Step, Workshop


def run(arguments: list[str], **changed: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(settings.ROOT / "scripts" / "python"), "-m", "launch", *arguments],
        env={**os.environ, **changed},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_taken_port_is_a_sentence_before_anything_is_built(
    taken_port: int, tmp_path: Path
) -> None:
    ended = run(["run"], HEARTH_PORT=str(taken_port), HEARTH_DATA=str(tmp_path))
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"Port {taken_port} is in use. Stop the program that has it")
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_a_setting_that_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    ended = run(["run"], HEARTH_PORT="eighty", HEARTH_DATA=str(tmp_path))
    assert ended.returncode == 1
    assert ended.stderr == "HEARTH_PORT is 'eighty'. Set it to a number from 1 to 65535.\n"


def test_a_full_disk_is_a_sentence_before_anything_is_built(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=r"has \d+\.\d GB free; Hearth needs .* GB"):
        main.require_space(tmp_path / "not" / "there", 10**18)


def test_a_refusal_of_the_system_is_a_sentence() -> None:
    error = PermissionError(13, "Permission denied", "/data/logs")
    assert main.sentence_of(error) == ("Permission denied (/data/logs). Mend that and start again.")


def test_an_unknown_part_of_the_tests_names_the_known_ones() -> None:
    ended = run(["test", "nonsense"])
    assert ended.returncode == 1
    assert ended.stderr == (
        "There is no test part 'nonsense'. "
        "The parts: core, unit, tensorrt, e2e, roads, walks, simulator, sync, trust.\n"
    )


def test_missing_tools_are_named_when_something_has_to_be_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_done = Step("s", "Building", [["true"]], [], [tmp_path / "none"], tmp_path, "")
    monkeypatch.setattr(main.plan, "to_run", lambda: ([never_done],))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LaunchError) as caught:
        main.prepare(Workshop(tmp_path / "cache", lambda _line: None), for_tests=False)
    for name in ("Node.js", "npm", "Rust", "a C linker"):
        assert f"{name} is missing." in str(caught.value)


def test_an_interrupted_preparation_ends_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    code = f"""
import sys
from pathlib import Path
from launch import __main__ as main, plan, tools
from launch.steps import Step
wait = "open('fifo', 'w').write(str(__import__('os').getpid())); __import__('signal').pause()"
step = Step("s", "Building", [[sys.executable, "-c", wait]], [], [], Path({str(tmp_path)!r}), "")
plan.to_run = lambda: ([step],)
main.settings.ROOT = Path({str(tmp_path)!r})
sys.exit(main.main(["prepare"]))
"""
    launcher = subprocess.Popen(
        [str(settings.ROOT / "scripts" / "python"), "-c", code], stdout=subprocess.DEVNULL
    )
    building = int((tmp_path / "fifo").read_text())  # returns when the step runs
    launcher.send_signal(signal.SIGINT)
    assert launcher.wait(timeout=30) == 130
    with pytest.raises(ProcessLookupError):
        os.kill(building, 0)
