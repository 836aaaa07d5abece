"""Which road an open connection takes, read from the pair of candidates that ICE nominated."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import aioice

from protocol.roads import RoadName

# Not `is_private`: that also holds addresses that are kept for documentation and for tests.
_NEAR = [
    ip_network(network)
    for network in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "127.0.0.0/8",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    )
]


def is_near(address: str) -> bool:
    """Whether an address is of this machine or its network: RFC 1918, RFC 4193, link-local."""
    parsed: IPv4Address | IPv6Address = ip_address(address)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in _NEAR)


def road_of(connection: aioice.Connection) -> RoadName:
    """Give the road of a connection whose pair is nominated.

    A connection that is not nominated yet has the road that says the least: `p2p`.
    """
    pair = connection._nominated.get(1)  # aioice has no public way to ask
    if pair is None:
        return "p2p"
    return road_between(pair.local_candidate.type, pair.remote_candidate.type, pair.remote_addr[0])


def road_between(local: str, remote: str, address: str) -> RoadName:
    """Give the road between candidates of these types (RFC 8839), the remote one at `address`."""
    if "relay" in (local, remote):
        return "relay"
    # A server-reflexive one is behind a translator, even where its address looks near.
    return "lan" if remote in ("host", "prflx") and is_near(address) else "p2p"
