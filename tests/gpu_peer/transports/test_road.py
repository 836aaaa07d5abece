"""The road of a connection, by the nominated pair."""

import pytest

from gpu_peer.transports.road import is_near, road_between
from protocol.roads import RoadName


@pytest.mark.parametrize(
    ("local", "remote", "address", "road"),
    [
        ("host", "host", "192.168.1.5", "lan"),
        ("host", "prflx", "10.0.0.9", "lan"),
        ("host", "prflx", "fd00::9", "lan"),
        ("host", "host", "127.0.0.1", "lan"),
        ("host", "prflx", "203.0.113.9", "p2p"),
        ("host", "host", "2001:db8::9", "p2p"),
        ("host", "srflx", "203.0.113.9", "p2p"),
        ("host", "srflx", "10.0.0.9", "p2p"),
        ("relay", "prflx", "192.168.1.5", "relay"),
        ("host", "relay", "192.168.1.5", "relay"),
    ],
)
def test_it_is_the_relay_or_this_network_or_between_two(
    local: str, remote: str, address: str, road: RoadName
) -> None:
    assert road_between(local, remote, address) == road


@pytest.mark.parametrize(
    "address", ["172.31.255.255", "169.254.0.1", "fe80::1", "::1", "::ffff:192.168.0.1"]
)
def test_addresses_of_this_network(address: str) -> None:
    assert is_near(address)


@pytest.mark.parametrize(
    "address", ["172.32.0.1", "192.0.2.1", "100.64.0.1", "2001:db8::1", "::ffff:8.8.8.8"]
)
def test_addresses_elsewhere(address: str) -> None:
    assert not is_near(address)
