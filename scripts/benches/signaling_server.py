"""Measures the signaling server on this machine against its budgets.

Each round starts the real server as a process with a fresh data folder, relays 2 KB signals both
ways between devices and homes for a few seconds, then opens idle device sockets and sees what
each adds to the server's memory. Beside it, in the same round, a bare aiohttp relay that knows
no accounts, rooms or limits is given the same load. The load comes from a process of its own.
Medians of the rounds, with the lowest and highest, are reported.
"""

import base64
import contextlib
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from signaling_load import IDLE, PAIRS, home_key

ROOT = Path(__file__).resolve().parents[2]
LOAD = str(Path(__file__).with_name("signaling_load.py"))
ROUNDS = 3
BUDGET_KIB, BUDGET_PER_S, BUDGET_P99_MS = 20.0, 5_000.0, 100.0

WIDE_OPEN = {
    "HEARTH_LIMIT_REGISTRATIONS_PER_HOUR": "100000",
    "HEARTH_LIMIT_REQUESTS_PER_SESSION": "100000",
    "HEARTH_LIMIT_REQUESTS_PER_ADDRESS": "100000",
    "HEARTH_LIMIT_SOCKETS_PER_SESSION": "100000",
    "HEARTH_LIMIT_SOCKETS_PER_ACCOUNT": "100000",
    "HEARTH_LIMIT_SOCKETS_PER_ADDRESS": "100000",
    "HEARTH_LIMIT_MESSAGES_PER_S": "1000000",
    "HEARTH_LIMIT_MESSAGE_BURST": "1000000",
    "HEARTH_PASSWORD_MEMORY_KIB": "8",  # passwords are not what is measured
    "HEARTH_PASSWORD_PASSES": "1",
    "HEARTH_LOG_LEVEL": "warning",
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def started(command: list[str], **environment: str) -> "Iterator[subprocess.Popen[str]]":
    """A Python process that is gone afterwards, whatever happened."""
    process = subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("The server did not start.")


def resident_kib(process: "subprocess.Popen[str]") -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def told(process: "subprocess.Popen[str]") -> dict[str, float]:
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        raise SystemExit("The load generator failed.")
    answer: dict[str, float] = json.loads(line)
    return answer


@contextlib.contextmanager
def hearth(homes: int) -> "Iterator[tuple[int, subprocess.Popen[str]]]":
    """The real server, with nothing in its data folder and so many homes admitted."""
    port = free_port()
    keys = [home_key(number).public_key().public_bytes_raw() for number in range(homes)]
    with tempfile.TemporaryDirectory() as data:
        settings = {
            "HEARTH_DATA": data,
            "HEARTH_PORT": str(port),
            "HEARTH_HOST": "127.0.0.1",
            "HEARTH_ORIGIN": f"http://localhost:{port}",
            "HEARTH_HOME_KEYS": ",".join(base64.urlsafe_b64encode(key).decode() for key in keys),
        }
        with started(["-m", "signaling"], **settings, **WIDE_OPEN) as server:
            wait_for(port)
            yield port, server


def relay() -> dict[str, float]:
    with hearth(homes=PAIRS) as (port, _), started([LOAD, "hearth", str(port)]) as load:
        return told(load)


def idle() -> dict[str, float]:
    with hearth(homes=1) as (port, server):
        before = resident_kib(server)
        with started([LOAD, "idle", str(port)]) as load:
            opened = told(load)["open"]
            return {"kib": (resident_kib(server) - before) / opened}


def through_bare() -> dict[str, float]:
    port = free_port()
    with started([LOAD, "serve-bare", str(port)]):
        wait_for(port)
        with started([LOAD, "bare", str(port)]) as load:
            return told(load)


def one_round() -> dict[str, float]:
    through_hearth, peer = relay(), through_bare()
    return {
        **idle(),
        **through_hearth,
        "bare_per_s": peer["per_s"],
        "bare_p99_ms": peer["p99_ms"],
        "ratio": through_hearth["per_s"] / peer["per_s"],
    }


def short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main() -> int:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < IDLE + 1_000:
        print(f"This machine allows {hard} open files; {IDLE + 1_000} are needed (ulimit -n).")
        return 1
    rounds = []
    for number in range(ROUNDS):
        rounds.append(one_round())
        shown = ", ".join(f"{name} {short(value)}" for name, value in rounds[-1].items())
        print(f"round {number + 1} of {ROUNDS}: {shown}", flush=True)

    def middle(name: str) -> float:
        return statistics.median(r[name] for r in rounds)

    def spread(name: str) -> str:
        values = [r[name] for r in rounds]
        return f"{short(min(values))} to {short(max(values))}"

    print(
        f"bare aiohttp relay: {middle('bare_per_s'):,.0f} messages/s ({spread('bare_per_s')}), "
        f"p99 {middle('bare_p99_ms'):.0f} ms; Hearth does {middle('ratio'):.2f} of it "
        f"({spread('ratio')})"
    )
    kib, per_s, p99 = middle("kib"), middle("per_s"), middle("p99_ms")
    print(
        f"signaling: {kib:.1f} KiB per idle socket of {IDLE:,} ({spread('kib')}; budget "
        f"{BUDGET_KIB:.0f}), {per_s:,.0f} relayed messages/s ({spread('per_s')}; budget "
        f"{BUDGET_PER_S:,.0f}), p99 {p99:.0f} ms ({spread('p99_ms')}; budget {BUDGET_P99_MS:.0f})"
    )
    return 0 if kib <= BUDGET_KIB and per_s >= BUDGET_PER_S and p99 <= BUDGET_P99_MS else 1


if __name__ == "__main__":
    sys.exit(main())
