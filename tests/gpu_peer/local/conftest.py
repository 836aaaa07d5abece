"""A home that runs, for the tests of the commands."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.gpu_peer.local.house import House, Run, config


@pytest.fixture
async def runs(tmp_path: Path) -> AsyncIterator[Run]:
    async with AsyncExitStack() as until:

        async def run(house: House, origin: str = "http://localhost:8080", /) -> Path:
            settings = config(tmp_path, origin=origin)
            settings.folder.mkdir()
            await until.enter_async_context(house.server(settings))
            return tmp_path

        yield run
