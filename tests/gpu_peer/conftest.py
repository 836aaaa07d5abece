"""The converted embedded model, shared by every test of the PC's part that needs a real one."""

import hashlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gpu_peer import models
from gpu_peer.models.embedded import embedded_gguf
from gpu_peer.models.store import ensure_model
from tests.gpu_peer.support.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from tests.gpu_peer.support.house import House

CACHE = Path(__file__).parents[2] / ".cache" / "test-models"


@pytest.fixture(scope="session")
def model_folder() -> Path:
    """The folder of the embedded model, checked by digest.

    It is converted on the first run, and again whenever the exporter's source has changed: a test
    must never pass on what an older exporter wrote.
    """
    return ensure_model(embedded_gguf(), _current_cache())


@pytest.fixture(scope="session")
def half_model_folder() -> Path:
    """The same with float16 activations and cache, as graphics cards want them."""
    return ensure_model(embedded_gguf(), _current_cache(), dtype="f16")


def _current_cache() -> Path:
    """Where the present exporter's models are; what another wrote is deleted."""
    digest = hashlib.sha256()
    for source in sorted(Path(models.__path__[0]).glob("*.py")):
        digest.update(source.read_bytes())
    current = CACHE / digest.hexdigest()[:12]
    for other in CACHE.glob("*"):
        if other != current:
            shutil.rmtree(other, ignore_errors=True)
    return current


@pytest.fixture
def clock() -> VirtualClock:
    """Time that passes when the test says so."""
    return VirtualClock()


@pytest.fixture
async def house(tmp_path: Path, clock: VirtualClock) -> "AsyncIterator[House]":
    """A home with a scripted engine, on that clock."""
    # Imported here: structlog remembers the stdout that it was first imported with.
    from tests.gpu_peer.support.house import a_house

    async with a_house(tmp_path / "chats.sqlite3", clock) as house:
        yield house
