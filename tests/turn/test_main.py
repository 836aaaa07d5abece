"""The process: one sentence when it cannot start, figures, a quick end, and nothing of people."""

import os
import socket
import ssl
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from protocol import stun
from protocol.roads import turn_password, turn_username
from tests.turn.caller import free_port
from tests.turn.conftest import Certificates
from tests.turn.refused import WireClient
from turn import secret

ROOT = Path(__file__).parents[2]


def start(folder: Path, *words: str, **settings: str) -> "subprocess.Popen[str]":
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HEARTH_")}
    chosen = {
        "HEARTH_DATA": str(folder),
        "HEARTH_TURN_NAME": "127.0.0.1",
        "HEARTH_TURN_HOST": "127.0.0.1",
        "HEARTH_TURN_PORT": str(free_port()),
        **settings,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "turn", *words],
        env={**clean, "PYTHONPATH": str(ROOT), **chosen},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def fails(folder: Path, **settings: str) -> str:
    """Start, see it fail, and give its one sentence."""
    out, err = (process := start(folder, **settings)).communicate(timeout=30)
    assert process.returncode == 1
    assert out == ""
    assert err.count("\n") == 1, err
    assert err.endswith(".\n")
    return err


@contextmanager
def taken(kind: socket.SocketKind) -> Iterator[str]:
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            holder.listen()
        yield str(holder.getsockname()[1])


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_taken_port(tmp_path: Path, kind: socket.SocketKind) -> None:
    with taken(kind) as port:
        assert f"Port {port} is taken" in fails(tmp_path, HEARTH_TURN_PORT=port)


def test_a_taken_port_of_the_figures(tmp_path: Path) -> None:
    with taken(socket.SOCK_STREAM) as port:
        process = start(tmp_path, HEARTH_TURN_METRICS_PORT=port)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"Port {port} is taken" in err.splitlines()[-1]


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("HEARTH_TURN_NAME", "", "Set HEARTH_TURN_NAME"),
        ("HEARTH_TURN_NAME", "no.such.name.invalid", "has no address"),
        ("HEARTH_TURN_HOST", "everywhere", "HEARTH_TURN_HOST"),
        ("HEARTH_TURN_HOST", "203.0.113.9", "Cannot listen on 203.0.113.9"),
        ("HEARTH_TURN_PORT", "70000", "HEARTH_TURN_PORT"),
        ("HEARTH_TURN_ADDRESSES", "192.0.2.1,192.0.2.2", "at most one IPv4"),
        ("HEARTH_TURN_KEY", "/no/such/file", "both HEARTH_TURN_CERTIFICATE and HEARTH_TURN_KEY"),
        ("HEARTH_LIMIT_TURN_KBIT", "0", "HEARTH_LIMIT_TURN_KBIT"),
        ("HEARTH_TURN_SECRET_FILE", "/dev/null/secret", "HEARTH_TURN_SECRET_FILE"),
    ],
)
def test_a_setting_that_cannot_be(tmp_path: Path, setting: str, value: str, words: str) -> None:
    assert words in fails(tmp_path, **{setting: value})


def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "certificate.pem"
    file.write_text("no certificate")
    files = {"HEARTH_TURN_CERTIFICATE": str(file), "HEARTH_TURN_KEY": str(file)}
    assert "The certificate cannot be used" in fails(tmp_path, **files)


def test_a_damaged_secret(tmp_path: Path) -> None:
    (tmp_path / "turn").mkdir()
    (tmp_path / "turn" / "secret").write_text("short")
    assert "damaged" in fails(tmp_path)


def test_a_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "turn" / "secret"
    made = secret.load(file)
    assert secret.load(file) == made
    assert len(made) == 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["secret"]


def test_it_relays_shows_figures_and_ends_within_a_second(tmp_path: Path) -> None:
    port, figures = free_port(), free_port()
    process = start(tmp_path, HEARTH_TURN_PORT=str(port), HEARTH_TURN_METRICS_PORT=str(figures))
    assert process.stderr is not None
    first = process.stderr.readline()
    assert '"event": "listening"' in first
    username = turn_username("anna-of-the-test", int(time.time()) + 600)
    password = turn_password(secret.load(tmp_path / "turn" / "secret"), username)
    with WireClient(("127.0.0.1", port), username, password) as client:
        client.allocate(stun.IPV4)
    with urllib.request.urlopen(f"http://127.0.0.1:{figures}/metrics", timeout=5) as response:
        shown = response.read().decode()
    assert "hearth_turn_allocations 1.0" in shown
    assert 'hearth_turn_answers_total{code="401",method="allocate"} 1.0' in shown
    began = time.monotonic()
    process.terminate()
    out, err = process.communicate(timeout=10)
    assert time.monotonic() - began < 1
    assert process.returncode == 0
    said = first + out + err + shown
    assert '"allocations": 1' in err
    assert "anna-of-the-test" not in said
    assert "127.0.0.1" not in said


def test_the_process_speaks_tls_too(tmp_path: Path, certificates: Certificates) -> None:
    port = free_port()
    process = start(
        tmp_path,
        HEARTH_TURN_TLS_PORT=str(port),
        HEARTH_TURN_CERTIFICATE=str(certificates.certificate),
        HEARTH_TURN_KEY=str(certificates.key),
    )
    try:
        assert process.stderr is not None
        assert "listening" in process.stderr.readline()
        context = ssl.create_default_context(cafile=certificates.authority)
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            asked = stun.new_transaction_id()
            secure.sendall(stun.build(stun.Method.BINDING, stun.Class.REQUEST, asked))
            answer = stun.parse(secure.recv(1024))
        assert (answer.cls, answer.transaction_id) == (stun.Class.SUCCESS, asked)
    finally:
        process.terminate()
        process.communicate(timeout=10)


def test_coturn_is_configured_from_the_same_settings(tmp_path: Path) -> None:
    process = start(
        tmp_path,
        "coturn",
        HEARTH_TURN_ADDRESSES="198.51.100.5",
        HEARTH_LIMIT_TURN_KBIT="8000",
    )
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    lines = out.splitlines()
    assert f"static-auth-secret={(tmp_path / 'turn' / 'secret').read_text()}" in lines
    for line in (
        "denied-peer-ip=::ffff:0.0.0.0-::ffff:255.255.255.255",
        "denied-peer-ip=127.0.0.0-127.255.255.255",
        "allowed-peer-ip=198.51.100.5",
        "external-ip=198.51.100.5",
        "bps-capacity=1000000",
        "use-auth-secret",
        "no-cli",
        "no-multicast-peers",
    ):
        assert line in lines
    assert "$" not in out
