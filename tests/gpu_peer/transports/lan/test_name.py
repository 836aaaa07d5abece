"""The name under `.local`, asked for and answered over the multicast of loopback."""

import re
import secrets
from collections.abc import AsyncIterator

import pytest
import structlog
from zeroconf import AddressResolver
from zeroconf.asyncio import AsyncZeroconf

from gpu_peer.transports.lan import name as lan_name
from gpu_peer.transports.lan.listener import Reachable
from gpu_peer.transports.lan.name import MulticastName, name_of, seen_by_others


@pytest.fixture
def name() -> str:
    """One that no other run of this test has."""
    return name_of(secrets.token_hex(16))


@pytest.fixture
async def published(name: str) -> AsyncIterator[MulticastName]:
    published = MulticastName(name)
    yield published
    await published.close()


async def resolved(name: str) -> list[str]:
    asking = AsyncZeroconf(interfaces=["127.0.0.1"])
    try:
        resolver = AddressResolver(f"{name}.")
        await resolver.async_request(asking.zeroconf, 3000)
        return sorted(resolver.parsed_addresses())
    finally:
        await asking.async_close()


async def move(published: MulticastName, *addresses: str) -> None:
    await published.moved(Reachable(addresses, 41234) if addresses else None)
    await published.settled()


async def test_the_name_follows_the_addresses(published: MulticastName, name: str) -> None:
    await move(published, "127.0.0.1")
    assert await resolved(name) == ["127.0.0.1"]
    await move(published, "127.0.0.1", "127.0.0.2")
    assert await resolved(name) == ["127.0.0.1", "127.0.0.2"]


async def test_what_fails_is_logged_and_the_next_change_is_tried(
    published: MulticastName, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_multicast(interfaces: list[str]) -> AsyncZeroconf:
        raise OSError(19, "No such device")

    with monkeypatch.context() as broken, structlog.testing.capture_logs() as logs:
        broken.setattr(lan_name, "AsyncZeroconf", no_multicast)
        await move(published, "127.0.0.1")
    assert [line["event"] for line in logs] == ["lan_name_failed"]
    await move(published, "127.0.0.1")
    assert await resolved(name) == ["127.0.0.1"]


async def test_a_change_while_another_is_under_way(published: MulticastName, name: str) -> None:
    await published.moved(Reachable(("127.0.0.2",), 41234))
    await move(published, "127.0.0.1")
    assert await resolved(name) == ["127.0.0.1"]


def test_the_name_is_of_the_home_and_tells_no_more_than_needed() -> None:
    assert re.fullmatch(r"hearth-[0-9a-f]{8}\.local", name_of("0123456789abcdef" * 2))


def test_loopback_is_nobody_elses() -> None:
    assert seen_by_others(("192.168.1.2", "fd00::2", "127.0.0.1", "::1")) == [
        "192.168.1.2",
        "fd00::2",
    ]
    assert seen_by_others(("127.0.0.1",)) == ["127.0.0.1"]
