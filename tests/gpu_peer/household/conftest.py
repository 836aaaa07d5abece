from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gpu_peer.support.house import House, a_house
from tests.gpu_peer.support.virtual_clock import VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def house(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[House]:
    async with a_house(tmp_path / "chats.sqlite3", clock) as house:
        yield house
