"""The process: one sentence when it cannot start, and a quick end when it is told to."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def start(data: Path, port: int, **settings: str) -> "subprocess.Popen[str]":
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HEARTH_")}
    return subprocess.Popen(
        [sys.executable, "-m", "signaling"],
        env={
            **clean,
            "PYTHONPATH": str(ROOT),
            "HEARTH_DATA": str(data),
            "HEARTH_PORT": str(port),
            **settings,
        },
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def fails(data: Path, port: int) -> str:
    """Start, see it fail, and give its one sentence."""
    process = start(data, port)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert out == ""
    assert err.count("\n") == 1, err
    assert err.endswith(".\n")
    return err


def test_a_taken_port(tmp_path: Path, taken: socket.socket) -> None:
    port = taken.getsockname()[1]
    assert f"Port {port} is taken" in fails(tmp_path, port)


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "HEARTH_DATA" in fails(tmp_path / "file", 8080)


def test_a_setting_that_cannot_be(tmp_path: Path) -> None:
    assert "HEARTH_PORT" in fails(tmp_path, 70_000)


def test_a_damaged_database(tmp_path: Path) -> None:
    (tmp_path / "signaling").mkdir()
    (tmp_path / "signaling" / "accounts.sqlite3").write_bytes(b"no database " * 1000)
    assert "damaged" in fails(tmp_path, 8080)


def test_a_taken_port_of_the_figures(tmp_path: Path, taken: socket.socket) -> None:
    taken_port = taken.getsockname()[1]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = start(tmp_path, port, HEARTH_METRICS_PORT=str(taken_port))
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "set HEARTH_METRICS_PORT" in err
    assert "Traceback" not in err


def test_figures_are_on_their_own_port_and_on_no_other(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        port, figures = one.getsockname()[1], other.getsockname()[1]
    process = start(tmp_path, port, HEARTH_METRICS_PORT=str(figures))
    try:
        _until_it_answers(port)
        with urllib.request.urlopen(f"http://127.0.0.1:{figures}/metrics") as response:
            assert b"hearth_http_requests" in response.read()
        for address in (f"{port}/metrics", f"{figures}/", f"{figures}/api/passkeys"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"http://127.0.0.1:{address}")
            assert refused.value.code == 404
            refused.value.close()
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_quickly_even_with_a_socket_that_does_not_answer(
    tmp_path: Path, taken: socket.socket, how: signal.Signals
) -> None:
    port = taken.getsockname()[1]
    taken.close()
    process = start(tmp_path, port)
    _until_it_answers(port)
    with socket.create_connection(("127.0.0.1", port)) as silent:
        silent.sendall(
            b"GET /api/signaling HTTP/1.1\r\nHost: x\r\n"
            b"Connection: upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OUFCQ0RFRg==\r\n\r\n"
        )
        assert b"101" in silent.recv(100)
        began = time.monotonic()
        process.send_signal(how)
        _, err = process.communicate(timeout=30)
    assert time.monotonic() - began < 3
    assert process.returncode == 0
    assert "Traceback" not in err


def _until_it_answers(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as response:
                assert response.status == 200
                return
        except urllib.error.URLError:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.02)  # another process: there is nothing to wait on but its port
