"""Whom the limits count, where reverse proxies stand between."""

import ipaddress
from typing import Any

import aiohttp
import pytest

from signaling.config import Settings
from signaling.http.client import client_address

PROXIES = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/32"))
THROUGH = "127.0.0.0/8"


@pytest.mark.parametrize(
    ("remote", "forwarded", "client"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # not a proxy of ours: made up
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),  # the first was made up
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),  # two proxies of ours
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),  # the client is at home with them
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", ",", "10.0.0.1"),
        ("::ffff:10.0.0.1", "2001:db9::7", "2001:db9::7"),
        ("2001:db8::1", "198.51.100.1", "198.51.100.1"),
        (None, "198.51.100.1", None),
    ],
)
def test_only_what_our_proxies_saw_is_believed(
    remote: str | None, forwarded: str, client: str | None
) -> None:
    assert client_address(remote, forwarded, PROXIES) == client


async def refused_after(vds: Any, *clients: str) -> list[int]:
    """Fail to log in from each of these addresses, as a proxy would tell of them."""
    answers = []
    for number, client in enumerate(clients):
        response = await vds.http.post(
            vds.url("/api/session"),
            json={"username": f"user{number}", "password": "wrong"},
            headers={"Origin": vds.settings.origin, "X-Forwarded-For": client},
        )
        answers.append(response.status)
    return answers


async def test_behind_a_trusted_proxy_each_client_has_limits_of_its_own(start: Any) -> None:
    vds = await start(limit_login_failures_per_address=1, trusted_proxies=THROUGH)
    clients = "198.51.100.1", "198.51.100.2", "198.51.100.1"
    assert await refused_after(vds, *clients) == [401, 401, 429]


async def test_an_ipv6_client_is_counted_by_its_64(start: Any) -> None:
    vds = await start(limit_login_failures_per_address=1, trusted_proxies=THROUGH)
    clients = "2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1"
    assert await refused_after(vds, *clients) == [401, 429, 401]


async def test_without_a_trusted_proxy_a_made_up_address_changes_nothing(start: Any) -> None:
    vds = await start(limit_login_failures_per_address=1)
    assert await refused_after(vds, "198.51.100.1", "198.51.100.2") == [401, 429]


async def test_sockets_are_counted_by_the_forwarded_address_too(start: Any) -> None:
    vds = await start(limit_sockets_per_address=1, trusted_proxies=THROUGH)

    async def connect(client: str) -> Any:
        socket = await vds.http.ws_connect(
            vds.url("/api/signaling"),
            origin=vds.settings.origin,
            headers={"X-Forwarded-For": client},
        )
        vds.until.push_async_callback(socket.close)

    await connect("198.51.100.1")
    await connect("198.51.100.2")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await connect("198.51.100.1")
    assert refused.value.status == 429


def test_nobody_is_trusted_by_default() -> None:
    assert Settings(_env_file=None).proxies == ()
