from gpu_peer.transports.lan.addresses import in_order, local_addresses


def test_what_most_likely_reaches_the_pc_comes_first_and_what_cannot_is_left_out() -> None:
    found = [
        *("::1", "fe80::1%eth0", "fe80::2", "127.0.0.1", "169.254.3.4", "0.0.0.0", "ff02::fb"),
        *("fd00::2", "2001:db8::5", "192.168.1.2", "10.0.0.3", "192.168.1.2"),
    ]
    assert in_order(found) == [
        *("10.0.0.3", "192.168.1.2", "2001:db8::5", "fd00::2", "169.254.3.4"),
        *("127.0.0.1", "::1"),
    ]


def test_this_machine_has_its_loopback_at_least() -> None:
    assert "127.0.0.1" in local_addresses()
