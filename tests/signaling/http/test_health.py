"""What machines ask."""

from typing import Any


async def test_alive(vds: Any) -> None:
    response = await vds.get("/healthz")
    assert (response.status, await response.json()) == (200, {"status": "ok"})


async def test_ready_says_how_many_homes_are_there(vds: Any) -> None:
    assert await (await vds.get("/readyz")).json() == {"status": "ready", "homes": 0}
    home = await vds.home()
    assert await (await vds.get("/readyz")).json() == {"status": "ready", "homes": 1}
    await home.socket.close()


async def test_not_ready_when_the_database_does_not_answer(vds: Any) -> None:
    from signaling.app import STORAGE

    await vds.server.app[STORAGE].close()
    response = await vds.get("/readyz")
    assert (response.status, (await response.json())["code"]) == (503, "storage_failed")
    refused = await vds.log_in("Ann", "whatever")
    assert (refused.status, (await refused.json())["code"]) == (503, "storage_failed")
    assert (await vds.get("/healthz")).status == 200


async def test_the_keys_are_public_and_only_public(vds: Any) -> None:
    (key,) = (await (await vds.get("/.well-known/jwks.json")).json())["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "EdDSA")
