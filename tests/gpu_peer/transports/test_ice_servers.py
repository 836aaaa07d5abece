import pytest

from gpu_peer.transports.ice_servers import Server, parse


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("stun:vds.example", Server("vds.example", 3478, "udp")),
        ("turn:vds.example:99?transport=udp", Server("vds.example", 99, "udp")),
        ("turn:192.0.2.1:99?transport=tcp", Server("192.0.2.1", 99, "tcp")),
        ("turns:vds.example?transport=tcp", Server("vds.example", 5349, "tls")),
        ("turn:[2001:db8::1]:99", Server("2001:db8::1", 99, "udp")),
    ],
)
def test_addresses_of_servers(url: str, server: Server) -> None:
    assert parse(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "",
        "vds.example:3478",
        "http://vds.example",
        "stun:vds.example?transport=tcp",
        "stuns:vds.example",
        "turns:vds.example?transport=udp",
        "turn:vds.example?transport=sctp",
        "turn:vds.example:0",
        "turn:vds.example:65536",
        "turn:2001:db8::1",
        "turn:user@vds.example",
        "turn:vds.example:3478\n",
    ],
)
def test_what_is_none_or_goes_by_another_way_is_passed_over(url: str) -> None:
    assert parse(url) is None
