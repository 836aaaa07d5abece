"""What the relay carries, beside coturn: ChannelData of 1,200 bytes over UDP and over TCP.

Both relay between two allocations on loopback, on one thread each, with the same client, a process
of its own, in pairs that follow each other at once.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from figures import Comparison, Floor, Neighbours, judge, paired

from protocol.roads import turn_password, turn_username
from vds import relay_secret

ROUNDS = 5
SECONDS = 2.0
BUDGET_MBIT = 100.0
PAYLOAD_BITS = 1200 * 8
LOAD = Path(__file__).with_name("relay_load.py")


def main() -> int:
    neighbours = Neighbours()
    key = os.urandom(32)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ours = stack.enter_context(our_relay(folder, key))
        rival = shutil.which("turnserver")
        theirs = stack.enter_context(coturn(folder, key, rival)) if rival else None
        figures: list[Comparison | Floor] = []
        for road in ("udp", "tcp"):
            figures += measure(road, ours, theirs, key)
    print(neighbours.report())
    if theirs is None:
        print("coturn is not installed, so ours was measured alone: apt-get install coturn.")
    else:
        print("coturn ran with allow-loopback-peers and no denied ranges, on one relay thread.")
    return judge("relay", figures)


def measure(road: str, ours: int, theirs: int | None, key: bytes) -> "list[Comparison | Floor]":
    rate = Floor(f"{road} relayed", BUDGET_MBIT, "Mbit/s")
    compared = Comparison(f"{road}, packets", "coturn", None, "packets/s")
    for number in range(ROUNDS):
        if theirs is None:
            rate.add(carried(ours, road, key) * PAYLOAD_BITS / 1e6)
            continue
        found = paired(number, lambda: carried(ours, road, key), lambda: carried(theirs, road, key))
        rate.add(found[0] * PAYLOAD_BITS / 1e6)
        compared.add(*found)
    return [rate] if theirs is None else [rate, compared]


def carried(port: int, road: str, key: bytes) -> float:
    """Give packets a second."""
    username = turn_username("bench", int(time.time()) + 600)
    password = turn_password(key, username)
    words = [sys.executable, str(LOAD), str(port), road, username, password, str(SECONDS)]
    out = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout
    came, seconds = out.split()
    return int(came) / float(seconds)


@contextmanager
def our_relay(folder: Path, key: bytes) -> Iterator[int]:
    """Run `python -m turn` and give its port."""
    file = folder / "secret"
    file.write_text(relay_secret.in_text(key))
    port = free_port()
    settings = {
        "HEARTH_TURN_NAME": "127.0.0.1",
        "HEARTH_TURN_HOST": "127.0.0.1",
        "HEARTH_TURN_PORT": str(port),
        "HEARTH_TURN_SECRET_FILE": str(file),
        "HEARTH_LIMIT_TURN_KBIT": "100000000",
        "HEARTH_LIMIT_TURN_KBIT_PER_USER": "100000000",
        "HEARTH_LOG_LEVEL": "warning",
    }
    with running([sys.executable, "-m", "turn"], port, {**os.environ, **settings}):
        yield port


@contextmanager
def coturn(folder: Path, key: bytes, program: str) -> Iterator[int]:
    """Run coturn with the same credentials and give its port."""
    port = free_port()
    file = folder / "coturn.conf"
    file.write_text(
        f"listening-ip=127.0.0.1\nrelay-ip=127.0.0.1\nlistening-port={port}\nrealm=hearth\n"
        f"use-auth-secret\nstatic-auth-secret={relay_secret.in_text(key)}\nallow-loopback-peers\n"
        "no-tls\nno-dtls\nno-cli\nrelay-threads=1\nlog-file=/dev/null\nno-stdout-log\n"
        f"pidfile={folder / 'coturn.pid'}\nuserdb={folder / 'coturn.sqlite'}\n"
    )
    with running([program, "-c", str(file)], port, None):
        yield port


@contextmanager
def running(words: list[str], port: int, environment: dict[str, str] | None) -> Iterator[None]:
    process = subprocess.Popen(
        words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(process, port)
        yield
    finally:
        process.terminate()
        process.wait(5)


def wait_for(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("The relay did not start.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
