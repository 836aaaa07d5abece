"""The test suites: each run by its own runner, all counted into one line."""

import json
import os
import re
import subprocess
import xml.etree.ElementTree as ET  # the file is the runner's own
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from launch.plan import E2E, PWA, PYTHON
from launch.settings import ROOT

RESULTS = ROOT / ".cache" / "results"
TEST_DATA = ROOT / ".cache" / "test-data"


@dataclass(frozen=True)
class Tally:
    """How many tests passed, failed and were skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


@dataclass(frozen=True)
class Suite:
    """One runner, and how to count what it says."""

    title: str
    command: Sequence[str]
    cwd: Path
    count: Callable[[str], Tally]
    environment: dict[str, str] = field(default_factory=dict)


def pytest(title: str = "pytest", *arguments: str) -> Suite:
    """Some of the Python tests; counted from the JUnit file."""
    report = RESULTS / "pytest.xml"
    return Suite(
        title,
        [str(PYTHON), "-m", "pytest", "-q", f"--junitxml={report}", *arguments],
        ROOT,
        lambda _output: _count_junit(report),
    )


def cargo() -> Suite:
    """The Rust core's tests, without Python; counted from their closing lines."""
    command = ["cargo", "test", "--release", "--no-default-features", "--quiet"]
    return Suite("cargo test", command, ROOT, _count_cargo)


def vitest(*arguments: str) -> Suite:
    """Some of the app's unit tests; counted from the JSON report."""
    report = RESULTS / "vitest.json"
    reporters = ["--reporter=default", "--reporter=json", f"--outputFile.json={report}"]
    return Suite(
        "vitest",
        ["npx", "--no-install", "vitest", "run", *reporters, *arguments],
        PWA,
        lambda _output: _count_vitest(report),
    )


def playwright(*arguments: str) -> Suite:
    """Some of the tests in a real browser; counted from the JSON report."""
    report = RESULTS / "playwright.json"
    return Suite(
        "playwright",
        ["npx", "--no-install", "playwright", "test", "--reporter=list,json", *arguments],
        E2E,
        lambda _output: _count_playwright(report),
        {"PLAYWRIGHT_JSON_OUTPUT_FILE": str(report)},
    )


def roads(*arguments: str) -> Suite:
    """Some of the tests on hosts of their own; counted from the JSON report."""
    report = RESULTS / "roads.tests.json"
    config = ["--config=roads/playwright.config.ts", "--reporter=list,json"]
    return Suite(
        "roads",
        ["npx", "--no-install", "playwright", "test", *config, *arguments],
        E2E,
        lambda _output: _count_playwright(report),
        {"PLAYWRIGHT_JSON_OUTPUT_FILE": str(report)},
    )


def simulator(*arguments: str) -> Suite:
    """Devices and the PC in one process each, over many seeds; counted from its last line."""
    command = [str(PYTHON), "-m", "tests.sync", *arguments]
    return Suite("sync simulator", command, ROOT, _count_seeds)


def bench(name: str) -> Suite:
    """One bench in a real browser; it judges itself."""
    folder = "roads/" if name in ON_HOSTS else ""
    config = [f"--config={folder}bench.config.ts", "--reporter=./bench/reporter.ts", name]
    command = ["npx", "--no-install", "playwright", "test", *config]
    return Suite(f"bench {name}", command, E2E, lambda _output: Tally(passed=1))


CORE = ("core", "models", "devices", "tensorrt")
"""Folders of tests/gpu_peer that are about the inference core and what it is fed."""

TRUST = (
    "tests/gpu_peer/trust",
    "tests/gpu_peer/household",
    "tests/gpu_peer/local",
    "tests/gpu_peer/storage",
    "tests/gpu_peer/test_identity.py",
    "tests/gpu_peer/test_backup.py",
    "tests/protocol",
)
TRUST_IN_THE_APP = ("src/trust/", "src/net/", "src/storage/", "src/stores/", "src/protocol/")
TRUST_IN_A_BROWSER = ("pairing", "hostile", "revocation", "family", "privacy")
"""What shows that docs/threat-model.md holds: folders, and beginnings of names."""

SYNC = ("tests/gpu_peer/chat", "tests/gpu_peer/storage")
SYNC_IN_THE_APP = ("src/chat/", "src/storage/", "src/sync/", "src/stores/")
SYNC_IN_A_BROWSER = ("faults", "kills", "long-chat")
"""What shows that nothing is lost, beside the simulator."""

WALKS = "nothing but its loopback|out of the house|VDS dead|nothing but TCP 443"
"""Of the roads: the PC alone, a walk, the network without a server, and the narrowest way out."""

PARTS: dict[str, Callable[[], list[Suite]]] = {
    "core": lambda: [
        cargo(),
        pytest("pytest", "-mnot tensorrt", *(f"tests/gpu_peer/{name}" for name in CORE)),
    ],
    "unit": lambda: [
        pytest("pytest", "-mnot tensorrt", *(f"--ignore=tests/gpu_peer/{name}" for name in CORE)),
        vitest(),
    ],
    "tensorrt": lambda: [pytest("pytest of TensorRT", "-mtensorrt")],
    "e2e": lambda: [playwright()],
    "roads": lambda: [roads()],
    "walks": lambda: [roads("--grep", WALKS)],
    "simulator": lambda: [simulator()],
    "sync": lambda: [
        simulator(),
        pytest("pytest of sync", *SYNC),
        vitest(*SYNC_IN_THE_APP),
        playwright(*SYNC_IN_A_BROWSER),
    ],
    "trust": lambda: [
        pytest("pytest of trust", *TRUST),
        vitest(*TRUST_IN_THE_APP),
        playwright(*TRUST_IN_A_BROWSER),
    ],
}

WHOLE = ("core", "unit", "simulator", "tensorrt", "e2e", "walks")
"""What a change has to pass. Of the roads it is the walks; `trust` and `sync` are chosen of it."""

IN_A_BROWSER = frozenset({"e2e", "roads", "walks", "trust", "sync"})

ON_HOSTS = frozenset({"roads", "walks"})
"""Parts and benches that need hosts of their own."""


def run(suite: Suite, say: Callable[[str], None]) -> Tally:
    """Run one suite, showing its output as it comes; a runner that breaks is a failure."""
    say(f"--- {suite.title}")
    RESULTS.mkdir(parents=True, exist_ok=True)
    for stale in RESULTS.glob(f"{suite.title.split()[0]}.*"):
        stale.unlink()
    process = subprocess.Popen(
        suite.command,
        cwd=suite.cwd,
        env={**os.environ, **suite.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        say(line.rstrip("\n"))
        lines.append(line)
    code = process.wait()
    try:
        tally = suite.count("".join(lines))
    except (OSError, ValueError, KeyError, ET.ParseError):
        tally = Tally()
    # A runner may fail with every test green, or before there is any.
    return tally + Tally(failed=1) if code != 0 and tally.failed == 0 else tally


def _count_junit(report: Path) -> Tally:
    total = Tally()
    for suite in ET.parse(report).getroot().iter("testsuite"):
        tests, bad, skipped = (
            int(suite.get("tests", 0)),
            int(suite.get("failures", 0)) + int(suite.get("errors", 0)),
            int(suite.get("skipped", 0)),
        )
        total += Tally(tests - bad - skipped, bad, skipped)
    return total


def _count_cargo(output: str) -> Tally:
    pattern = r"test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored"
    return sum((Tally(*map(int, found)) for found in re.findall(pattern, output)), Tally())


def _count_seeds(output: str) -> Tally:
    played, failed = re.findall(r"^(\d+) seeds .*: (\d+) failed", output, re.MULTILINE)[-1]
    # Whoever finds too many gives up, so that of the others nothing is known.
    return Tally(failed=int(failed)) if int(failed) else Tally(passed=int(played))


def _count_vitest(report: Path) -> Tally:
    document = json.loads(report.read_text("utf-8"))
    return Tally(
        document["numPassedTests"],
        document["numFailedTests"],
        document["numPendingTests"] + document["numTodoTests"],
    )


def _count_playwright(report: Path) -> Tally:
    stats = json.loads(report.read_text("utf-8"))["stats"]
    # A test that passed only when tried again is a defect.
    return Tally(stats["expected"], stats["unexpected"] + stats["flaky"], stats["skipped"])
