"""What the app learns of a home on its own machine."""

from typing import Any

import pytest


@pytest.mark.parametrize("address", ["http://localhost:8081", "http://[::1]:9"])
async def test_the_app_is_told_what_is_configured_and_nobody_keeps_it(
    start: Any, address: str
) -> None:
    vds = await start(local_home=address)
    response = await vds.get("/api/local-home", Host="evil.example", X_Forwarded_Host="evil")
    assert await response.json() == {"address": address}
    assert response.headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in response.headers


async def test_a_vds_has_none(vds: Any) -> None:
    response = await vds.get("/api/local-home")
    assert response.status == 404
    assert (await response.json())["code"] == "not_found"
