"""Who a request is from, where a reverse proxy may stand between."""

import ipaddress
from collections.abc import Sequence

from aiohttp import web

from signaling.config import Network, Settings
from signaling.errors import OriginRefused
from signaling.limits import address_key


def is_from_page(request: web.Request, settings: Settings) -> bool:
    """Whether a page of ours asks, rather than a program, which names no page.

    Raises:
        OriginRefused: another page asks.
    """
    origin = request.headers.get("Origin")
    if origin is not None and origin not in settings.origins:
        raise OriginRefused
    return origin is not None


def client_key(request: web.Request, settings: Settings) -> str:
    """Give what the limits count the client of a request under."""
    forwarded = ",".join(request.headers.getall("X-Forwarded-For", ()))
    return address_key(client_address(request.remote, forwarded, settings.proxies))


def client_address(remote: str | None, forwarded: str, proxies: Sequence[Network]) -> str | None:
    """Give the address of the client.

    Each proxy appends whom it saw, so the list is read from its end, and only as far as those who
    wrote it are trusted; what stands before that, a client may have made up itself. A word that is
    no address ends the reading: then it is the last proxy that is counted.
    """
    client = remote
    hops = [hop.strip() for hop in forwarded.split(",")] if forwarded else []
    while hops and _is_in(client, proxies):
        hop = hops.pop()
        if _parse(hop) is None:
            break
        client = hop
    return client


def _is_in(address: str | None, networks: Sequence[Network]) -> bool:
    ip = _parse(address or "")
    return ip is not None and any(ip in network for network in networks)


def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        ip = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return ip.ipv4_mapped or ip if isinstance(ip, ipaddress.IPv6Address) else ip
