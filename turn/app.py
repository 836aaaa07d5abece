"""The relay with its sockets: UDP, TCP and, with a certificate, TLS."""

import asyncio
import contextlib
import errno
import ipaddress
import socket
import ssl
import time

from protocol.stun import IPV4, IPV6
from turn import secret
from turn.clients import perform
from turn.config import Settings
from turn.errors import BadSetting, CannotStart, PortTaken
from turn.relay import Relay
from turn.stream_listener import StreamListener
from turn.streams import Connections
from turn.udp import UdpListener

_SWEEP_S = 1.0
_CLOSE_S = 0.5
"""How long connections get to send what waits."""

_ALPN = ["stun.turn", "stun.nat-discovery"]
"""RFC 7443."""


class Server:
    """A running relay. `start` opens its sockets, `stop` closes them within a second."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.udp: list[UdpListener] = []
        self._streams: list[StreamListener] = []
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen on every address.

        Raises:
            CannotStart: the sentence says why not, and what to do.
        """
        settings = self._settings
        hosts = await _relayed_hosts(settings)
        tls = _tls(settings)
        key = secret.load(settings.secret_file)
        self.relay = Relay(key, hosts, settings.limits, time.monotonic())
        self.connections = Connections(self.relay, settings.stream_limits)
        try:
            for host in settings.hosts or _all_hosts():
                udp = _bind(host, settings.turn_port, socket.SOCK_DGRAM, "HEARTH_TURN_PORT")
                self.udp.append(UdpListener(self.relay, udp))
                self._accept(host, settings.turn_port, "HEARTH_TURN_PORT", None)
                if tls is not None:
                    self._accept(host, settings.turn_tls_port, "HEARTH_TURN_TLS_PORT", tls)
        except CannotStart:
            await self.stop()
            raise
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Refuse new allocations, let connections send what waits, and close everything.

        TURN has no word for going away: clients notice by the end of their connection, or by the
        next request that nobody answers.
        """
        self.relay.stop()
        if self._sweeper is not None:
            self._sweeper.cancel()
        while self._streams:
            await self._streams.pop().close()
        self.connections.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await self.connections.all_closed()
        self.connections.abort()
        while self.udp:
            self.udp.pop().close()

    def _accept(self, host: str, port: int, setting: str, tls: ssl.SSLContext | None) -> None:
        bound = _bind(host, port, socket.SOCK_STREAM, setting)
        self._streams.append(StreamListener(self.connections, bound, tls))

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            perform(self.relay.expire(time.monotonic()))


def _all_hosts() -> list[str]:
    """Give what to listen on for all addresses.

    The system picks the address that an answer leaves from: on a machine with several, name them.
    """
    return ["0.0.0.0", "::"] if _has_ipv6() else ["0.0.0.0"]  # noqa: S104


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::", 0))
    except OSError:
        return False
    return True


def _bind(host: str, port: int, type_: socket.SocketKind, setting: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.socket(family, type_)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if type_ == socket.SOCK_STREAM:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setblocking(False)
        bound.bind((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"Port {port} is taken. Stop what listens there, or set {setting}."
            ) from None
        raise CannotStart(
            f"Cannot listen on {host} port {port} ({error.strerror}). "
            f"Change HEARTH_TURN_HOST or {setting}."
        ) from None
    return bound


async def _relayed_hosts(settings: Settings) -> dict[int, str]:
    """Give the relayed address of each family, as `inet_ntop` writes it."""
    found = settings.addresses
    if not found:
        try:
            infos = await asyncio.get_running_loop().getaddrinfo(
                settings.turn_name, None, type=socket.SOCK_DGRAM
            )
        except OSError:
            raise BadSetting(
                f"HEARTH_TURN_NAME ({settings.turn_name}) has no address. Correct it, or give "
                "the addresses in HEARTH_TURN_ADDRESSES."
            ) from None
        found = [str(info[4][0]) for info in infos]
    hosts: dict[int, str] = {}
    for text in found:
        address = ipaddress.ip_address(text.partition("%")[0])
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        number = IPV4 if address.version == 4 else IPV6
        hosts.setdefault(number, socket.inet_ntop(family, address.packed))
    return hosts


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.turn_certificate is None or settings.turn_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(_ALPN)
    try:
        context.load_cert_chain(settings.turn_certificate, settings.turn_key)
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or "no certificate and key in PEM that belong together"
        raise BadSetting(
            f"The certificate cannot be used ({reason}). Correct HEARTH_TURN_CERTIFICATE and "
            "HEARTH_TURN_KEY, or leave both empty for a relay without TLS."
        ) from None
    return context
