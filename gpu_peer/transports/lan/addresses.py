"""The addresses of this PC that somebody could dial."""

import ipaddress
from collections.abc import Callable, Iterable

import ifaddr

Addresses = Callable[[], list[str]]
"""Asks the system; literals, IPv4 and IPv6."""


def local_addresses() -> list[str]:
    """Give all of this PC's, its own loopback included, in the order of `in_order`."""
    ips = [ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips]
    return in_order(ip if isinstance(ip, str) else ip[0] for ip in ips)


def in_order(found: Iterable[str]) -> list[str]:
    """Leave out what cannot be dialed, and put first what most likely can.

    IPv4 goes before IPv6, and loopback, which is for the PC's own browser, comes last. Link-local
    IPv6 means nothing without the name of an interface, which differs from end to end.
    """
    addresses = {ipaddress.ip_address(text.partition("%")[0]) for text in found}
    usable = [
        one
        for one in addresses
        if not (one.is_multicast or one.is_unspecified or (one.version == 6 and one.is_link_local))
    ]
    usable.sort(key=lambda one: (one.is_loopback, one.is_link_local, one.version, int(one)))
    return [str(one) for one in usable]
