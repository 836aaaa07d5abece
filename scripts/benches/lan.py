"""Measures the LAN dial: 64 devices at once, each told of an answer's growth 30 times a second.

One page of a real browser dials the PC's listener with the tickets of all devices. First in peace,
then beside 1,000 wrong dials a second, updates are sent for a while; each says when it was due, and
the page notes when it came. Lateness is the time from then to now, jitter how far two updates that
follow each other are from a 30th of a second apart.
"""

import asyncio
import contextlib
import json
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog
import uvloop
from figures import Limit, Neighbours, judge

from gpu_peer.clock import LoopClock
from gpu_peer.errors import ChannelClosed
from gpu_peer.storage.lan_table import LanCredential, new_credential
from gpu_peer.transports.certificate import fingerprint_of, load_certificate
from gpu_peer.transports.channel import Channel
from gpu_peer.transports.lan.addresses import local_addresses
from gpu_peer.transports.lan.listener import LanListener, Reachable
from gpu_peer.trust.connect import Fingerprints
from protocol.chat import Delta

HERE = Path(__file__).parent
DEVICES, PER_S, SECONDS, WRONG_PER_S = 64, 30, 20, 1_000
BUDGET_MS = 50.0


class Everybody:
    """All devices, and updates for whoever is there."""

    def __init__(self) -> None:
        made = [new_credential(f"device-{number}") for number in range(DEVICES)]
        self.credentials = {one.ufrag: one for one in made}
        self.channels: list[Channel] = []
        self._are_here = asyncio.Event()
        self._end = asyncio.Event()

    def find(self, ufrag: str) -> LanCredential | None:
        return self.credentials.get(ufrag)

    async def serve(self, channel: Channel, _fingerprints: Fingerprints) -> None:
        self.channels.append(channel)
        if len(self.channels) == DEVICES:
            self._are_here.set()
        await self._end.wait()

    async def update(self) -> None:
        """Send updates to all for a while."""
        with contextlib.suppress(TimeoutError):  # a page takes its channel for open a bit earlier
            await asyncio.wait_for(self._are_here.wait(), 5)
        begun = time.time() + 0.1
        sending = (
            _send_to(channel, begun + number / DEVICES / PER_S)
            for number, channel in enumerate(self.channels)
        )
        await asyncio.gather(*sending)


async def _send_to(channel: Channel, begun_s: float) -> None:
    for index in range(SECONDS * PER_S):
        due_s = begun_s + index / PER_S
        await asyncio.sleep(max(0.0, due_s - time.time()))
        with contextlib.suppress(ChannelClosed):  # counted as lost by the page
            await channel.send(
                Delta(chat="chat", answer="answer", index=index, text=f"{due_s * 1000:.3f}")
            )


@contextlib.asynccontextmanager
async def a_page(tickets: list[dict[str, Any]]) -> AsyncIterator["Page"]:
    process = await asyncio.create_subprocess_exec(
        *("node", str(HERE / "lan_page.mjs")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 26,
    )
    page = Page(process)
    try:
        page.opened = await page.ask(json.dumps(tickets))
        yield page
        await page.say("end")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


class Page:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.opened: list[float | None] = []

    async def say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        await self._process.stdin.drain()

    async def ask(self, line: str) -> Any:
        await self.say(line)
        assert self._process.stdout is not None
        return json.loads(await self._process.stdout.readline())


@contextlib.asynccontextmanager
async def wrong_dials(here: Reachable, ufrags: list[str]) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(HERE / "lan_flood.py")),
        *(here.addresses[0], str(here.port), str(WRONG_PER_S), *ufrags),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield
    finally:
        said, _ = await process.communicate(b"stop\n")
        sent, answers = map(int, said.split())
        print(f"  {sent} wrong dials, {answers} answered")
        if answers or sent < SECONDS * WRONG_PER_S * 0.9:
            raise SystemExit("LAN: the wrong dials were answered, or too few could be made.")


async def measured(what: str, everybody: Everybody, page: Page) -> list[Limit]:
    """Send updates for a while; give what is to be judged of it."""
    neighbours, used_s = Neighbours(), time.process_time()
    await everybody.update()
    await asyncio.sleep(1)  # the last ones are on their way
    told = await page.ask("report")
    jitter = [abs(gap - 1000 / PER_S) for gap in told["gaps"]]
    print(f"{what}: {len(told['late'])} of {DEVICES * PER_S * SECONDS} updates came")
    for name, values in (("late", told["late"]), ("jitter", jitter)):
        p50, p95, p99 = (percentile(values, share) for share in (50, 95, 99))
        print(f"  {name:6}  p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f}, most {max(values):.1f} ms")
    own = (time.process_time() - used_s) / SECONDS
    print(f"  The PC's side took {own:.0%} of a core; the browser counts among the others.")
    print(f"  {neighbours.report()}")
    missing = DEVICES * PER_S * SECONDS - len(told["late"])
    return [
        Limit(f"{what}, p95 late", BUDGET_MS, "ms", [percentile(told["late"], 95)]),
        Limit(f"{what}, p95 jitter", BUDGET_MS, "ms", [percentile(jitter, 95)]),
        Limit(f"{what}, sessions lost", 0, "of 64", [float(told["lost"])]),
        Limit(f"{what}, updates lost", 0, "in all", [float(missing)]),
    ]


def percentile(values: list[float], share: int) -> float:
    return statistics.quantiles(values, n=100)[share - 1]


async def main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("warning"))
    everybody = Everybody()
    reachable: list[Reachable | None] = []

    async def moved(now: Reachable | None) -> None:
        reachable.append(now)

    with tempfile.TemporaryDirectory() as folder:
        certificate = load_certificate(Path(folder))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    listener = LanListener(
        everybody, certificate, everybody.serve, LoopClock(), port, moved, local_addresses
    )
    await listener.open()
    here = reachable[-1]
    if here is None:
        raise SystemExit("LAN: this machine has no address that could be dialed.")
    digits = fingerprint_of(certificate).hex(":").upper()
    tickets = [
        {**asdict(one), "addresses": here.addresses, "port": here.port, "fingerprint": digits}
        for one in everybody.credentials.values()
    ]
    try:
        async with a_page(tickets) as page:
            opened = [ms for ms in page.opened if ms is not None]
            median = statistics.median(opened)
            print(f"{len(opened)} of {DEVICES} opened, the median after {median:.0f} ms")
            limits = [Limit("not opened", 0, "of 64", [float(DEVICES - len(opened))])]
            limits += await measured("in peace", everybody, page)
            async with wrong_dials(here, list(everybody.credentials)):
                limits += await measured("with wrong dials", everybody, page)
    finally:
        await listener.close()
    return judge("LAN", limits)


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
