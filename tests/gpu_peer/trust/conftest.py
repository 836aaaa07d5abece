"""A home and a device of its owner, for those who attack them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.hostile.device import PHONE, Device
from tests.hostile.home import Home, a_home


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    async with a_home(tmp_path) as home:
        await home.know(PHONE)
        yield home


@pytest.fixture
async def device() -> AsyncIterator[Device]:
    device = Device()
    yield device
    await device.close()
