"""The supervisor with real processes: small servers that say `ready` as Hearth's do."""

import asyncio
import dataclasses
import os
import signal
import socket
import sys
from pathlib import Path

import pytest
from launch.errors import LaunchError
from launch.supervisor import Part, Supervisor

SERVER = """
import http.server, os, sys
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b'{"homes": 1}')
    def log_message(self, *args): pass
with open(sys.argv[2], 'a') as pids: pids.write(f'{os.getpid()}\\n')
http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Ready).serve_forever()
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def part(folder: Path, name: str, code: str, *arguments: str) -> Part:
    command = [sys.executable, "-c", code, *arguments]
    return Part(name, command, dict(os.environ), folder, folder / f"{name}.log")


def pids(folder: Path) -> list[int]:
    file = folder / "pids"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_killed_part_is_started_again_and_all_end_together(tmp_path: Path) -> None:
    port = free_port()
    os.mkfifo(tmp_path / "born")
    first_or_second = "if len(open(sys.argv[2]).readlines()) > 1: open('born', 'w').close()\n"
    code = SERVER.replace("http.server.HTTPServer(", first_or_second + "http.server.HTTPServer(")
    restarted = asyncio.Event()
    supervisor = Supervisor(
        [part(tmp_path, "server", code, str(port), str(tmp_path / "pids"))],
        f"http://127.0.0.1:{port}/readyz",
        lambda line: restarted.set() if "started again" in line else None,
    )
    ready = asyncio.Event()
    running = asyncio.create_task(supervisor.run(ready.set))
    await asyncio.wait_for(ready.wait(), 30)
    (first,) = pids(tmp_path)
    os.kill(first, signal.SIGKILL)
    await asyncio.wait_for(restarted.wait(), 30)
    await asyncio.to_thread((tmp_path / "born").read_text)  # returns when the second one is born
    supervisor.stop()
    await asyncio.wait_for(running, 10)
    assert len(pids(tmp_path)) == 2
    assert not any(is_alive(pid) for pid in pids(tmp_path))


async def test_a_part_that_cannot_start_ends_the_start_with_its_own_sentence(
    tmp_path: Path,
) -> None:
    broken = "print('{\"event\": \"x\"}'); print('The model is damaged.'); raise SystemExit(1)"
    supervisor = Supervisor(
        [part(tmp_path, "peer", broken)], "http://127.0.0.1:9/readyz", lambda _line: None
    )
    with pytest.raises(LaunchError, match=r"^The model is damaged\.$"):
        await asyncio.wait_for(supervisor.run(lambda: None), 30)


async def test_a_part_that_is_not_needed_may_end_at_the_start_and_is_started_again(
    tmp_path: Path,
) -> None:
    port = free_port()
    relay = part(tmp_path, "relay", "raise SystemExit(1)")
    # Ready only once the relay's end was said, so that it comes first.
    code = SERVER.replace("b'{\"homes\": 1}'", "b'{\"homes\": %d}' % os.path.exists('said')")
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        (tmp_path / "said").touch()

    supervisor = Supervisor(
        [
            part(tmp_path, "server", code, str(port), str(tmp_path / "pids")),
            dataclasses.replace(relay, is_needed=False),
        ],
        f"http://127.0.0.1:{port}/readyz",
        say,
    )
    async with asyncio.timeout(60):
        await supervisor.run(on_ready=supervisor.stop)
    assert said[0].startswith("relay ended and is started again.")


async def test_a_part_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    port = free_port()
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVER
    supervisor = Supervisor(
        [part(tmp_path, "server", stubborn, str(port), str(tmp_path / "pids"))],
        f"http://127.0.0.1:{port}/readyz",
        lambda _line: None,
    )
    await asyncio.wait_for(supervisor.run(supervisor.stop), 30)
    (pid,) = pids(tmp_path)
    assert not is_alive(pid)


async def test_a_long_start_is_said_to_go_on(tmp_path: Path) -> None:
    port = free_port()
    ready = "int(os.path.exists('said'))"
    code = SERVER.replace("b'{\"homes\": 1}'", f"b'{{\"homes\": %d}}' % {ready}")
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        (tmp_path / "said").touch()

    supervisor = Supervisor(
        [part(tmp_path, "server", code, str(port), str(tmp_path / "pids"))],
        f"http://127.0.0.1:{port}/readyz",
        say,
        still_starting_s=0.0,
    )
    async with asyncio.timeout(60):
        await supervisor.run(on_ready=supervisor.stop)
    assert said[0].startswith("Starting, the model is being loaded: ")
