"""Keeps this home known to one signaling server for as long as this process runs.

By a WebSocket, or where that does not open by polling. Connections to devices do not depend on
either once they are open.
"""

import asyncio
import random
from collections.abc import Callable

import aiohttp
import structlog

from gpu_peer.clock import Clock
from gpu_peer.transports.alarm import Alarm
from gpu_peer.transports.backoff import delay_s
from gpu_peer.transports.relay import Relay
from gpu_peer.transports.signaled_sessions import Signals
from gpu_peer.transports.signaling_link import Link
from gpu_peer.transports.signaling_poll import open_poll
from gpu_peer.transports.signaling_socket import OPEN_S, SocketLink, open_socket
from protocol import VERSION, codec
from protocol.errors import ProtocolError
from protocol.signaling import (
    Authenticate,
    Authenticated,
    FromVds,
    PostSignal,
    Signal,
    SignalingError,
    SignalPosted,
    ToVds,
    VouchForRoom,
)

REPLACED_S = 60.0
"""A home that another process with its key took the place of waits so long before it takes it back,
or the two would throw each other out for ever."""

SOCKET_AGAIN_S = 300.0
"""So often a home that polls tries whether the WebSocket opens by now."""

VOUCH_S = 24 * 3600.0
"""A room is vouched for at most so often."""

log = structlog.get_logger()


class SignalingClient:
    """Passes signals both ways; the `Introducer` of every device that comes by this server."""

    def __init__(
        self,
        server: str,
        assertion: Callable[[], str],
        signals: Signals,
        clock: Clock,
        on_ready: Callable[[], None],
        relay: Relay,
    ) -> None:
        """Prepare.

        Args:
            server: The server's address, `http` or `https`, without a path.
            assertion: Signs a fresh token for each connection.
            signals: Takes what devices send.
            clock: The time.
            on_ready: Called each time the server has welcomed this home.
            relay: The server's own.
        """
        self._server = server
        self._assertion = assertion
        self._signals = signals
        self._clock = clock
        self._on_ready = on_ready
        self.ice_servers = relay.ice_servers
        self.relay_failed = relay.failed
        self._alarm = Alarm(clock)
        self._link: Link | None = None
        self._failures = 0
        self._polls = False
        self._vouched_s: dict[str, float] = {}

    async def run(self) -> None:
        """Connect, and connect again, until cancelled."""
        async with aiohttp.ClientSession() as http:
            while True:
                self._failures += 1
                least_s = await self._connect(http)
                chance = random.random()  # noqa: S311  # spreads load, guards nothing
                await self._alarm.rest(max(least_s, delay_s(self._failures, chance)))

    def wake(self) -> None:
        """Try again at once: the network may be back."""
        self._alarm.ring()

    async def post(self, room: str, peer: str, signal: Signal) -> None:
        """See `Introducer`. Without the server it is dropped: the device asks again."""
        await self._send(PostSignal(room=room, to=peer, signal=signal))

    async def vouch(self, room: str) -> None:
        """See `Introducer`. Once a day is enough."""
        now_s = self._clock.now_s()
        lately = {r: s for r, s in self._vouched_s.items() if now_s - s < VOUCH_S}
        if room not in lately and await self._send(VouchForRoom(room=room)):
            lately[room] = now_s
        self._vouched_s = lately

    async def _connect(self, http: aiohttp.ClientSession) -> float:
        """Stay known until the link is lost. Gives how long to wait at the least."""
        try:
            socket = None if self._polls else await self._socket(http)
            return await (self._poll(http) if socket is None else self._talk(socket))
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            self._polls = False
            log.info("signaling_lost", failures=self._failures, kind=type(error).__name__)
        return 0.0

    async def _socket(self, http: aiohttp.ClientSession) -> SocketLink | None:
        """Open the WebSocket; None where there is a server, but something lets none through."""
        try:
            return await open_socket(http, self._server, self._hello())
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ClientError, OSError) as error:
            log.debug("socket_not_opened", kind=type(error).__name__)
            return None

    async def _poll(self, http: aiohttp.ClientSession) -> float:
        """Poll until that is lost, or until the WebSocket that opens after all is."""
        poll = await open_poll(http, self._server, self._hello())
        if not self._polls:
            log.info("signaling_polls")
        self._polls = True
        talking = asyncio.ensure_future(self._talk(poll))
        opening = asyncio.ensure_future(self._socket_again(http))
        try:
            await asyncio.wait((talking, opening), return_when=asyncio.FIRST_COMPLETED)
            if not opening.done():
                return talking.result()
        finally:
            talking.cancel()
            opening.cancel()
            await asyncio.gather(talking, opening, return_exceptions=True)
        self._polls = False  # the server has put the socket in the poll's place
        return await self._talk(opening.result())

    async def _socket_again(self, http: aiohttp.ClientSession) -> SocketLink:
        while True:
            await self._clock.sleep(SOCKET_AGAIN_S)
            try:
                return await open_socket(http, self._server, self._hello())
            except (aiohttp.ClientError, OSError):
                continue

    async def _talk(self, link: Link) -> float:
        self._link = link
        welcomed = False
        try:
            while True:
                async with asyncio.timeout(None if welcomed else OPEN_S):
                    raw = await link.receive()
                if raw is None:
                    return 0.0
                try:
                    received: FromVds = codec.from_vds.decode(raw)
                except ProtocolError as error:
                    log.warning("signaling_not_understood", code=error.code)
                    continue
                match received:
                    case Authenticated():
                        welcomed = True
                        self._failures = 0
                        self._on_ready()
                    case SignalPosted():
                        self._signals.take(received, self)
                    case SignalingError():
                        log.warning("signaling_refused", code=received.code)
                        if received.code == "replaced":
                            return REPLACED_S
                        if not welcomed:
                            return float(received.retry_after_s or 0)
                    case _:
                        pass
        finally:
            self._link = None
            await link.close()

    async def _send(self, message: ToVds) -> bool:
        """Send what nobody waits for; gives whether it went out."""
        try:
            if self._link is None:
                raise ConnectionError
            await self._link.send(message)
        except (aiohttp.ClientError, OSError):
            log.debug("signal_dropped")
            return False
        return True

    def _hello(self) -> Authenticate:
        return Authenticate(version=VERSION, token=self._assertion())
