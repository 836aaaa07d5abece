"""The WebSocket to the signaling server, opened again for as long as this process runs.

Connections to devices do not depend on it once they are open.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable

import aiohttp
import structlog

from gpu_peer.clock import Clock
from gpu_peer.transports.backoff import delay_s
from gpu_peer.transports.signaled_sessions import Signals
from protocol import VERSION, codec, limits
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
)

PATH = "/api/signaling"
OPEN_S = 10.0
"""So long may opening the socket, and then the server's welcome, take."""

PING_S = 15.0
"""A ping each so many seconds; half of that later without a pong the socket is given up."""

REPLACED_S = 60.0
"""A home that another process with its key took the place of waits so long before it takes it back,
or the two would throw each other out for ever."""

log = structlog.get_logger()


class SignalingClient:
    """Keeps this home known to the signaling server, and passes signals both ways."""

    def __init__(
        self,
        server: str,
        assertion: Callable[[], str],
        signals: Signals,
        clock: Clock,
        on_ready: Callable[[], None],
    ) -> None:
        """Prepare.

        Args:
            server: The server's address, `http` or `https`, without a path.
            assertion: Signs a fresh token for each connection.
            signals: Takes what devices send.
            clock: The time.
            on_ready: Called each time the server has welcomed this home.
        """
        self._url = server + PATH
        self._assertion = assertion
        self._signals = signals
        self._clock = clock
        self._on_ready = on_ready
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._failures = 0
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Connect, and connect again, until cancelled."""
        async with aiohttp.ClientSession() as http:
            while True:
                self._failures += 1
                least_s = await self._connect(http)
                chance = random.random()  # noqa: S311  # spreads load, guards nothing
                await self._rest(max(least_s, delay_s(self._failures, chance)))

    def wake(self) -> None:
        """Try again at once: the network may be back."""
        self._wake.set()

    async def post(self, room: str, peer: str, signal: Signal) -> None:
        """Hand a signal to a peer. Without the server it is dropped: the device asks again."""
        try:
            await self._send(PostSignal(room=room, to=peer, signal=signal))
        except ConnectionError:
            log.debug("signal_dropped")

    async def _connect(self, http: aiohttp.ClientSession) -> float:
        """Open the socket and stay until it is lost. Gives how long to wait at the least."""
        try:
            async with asyncio.timeout(OPEN_S):
                socket = await http.ws_connect(
                    self._url, heartbeat=PING_S, max_msg_size=2 * limits.SIGNALING_BYTES
                )
            async with socket:
                self._socket = socket
                return await self._talk(socket)
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            log.info("signaling_lost", failures=self._failures, kind=type(error).__name__)
        finally:
            self._socket = None
        return 0.0

    async def _talk(self, socket: aiohttp.ClientWebSocketResponse) -> float:
        await self._send(Authenticate(version=VERSION, token=self._assertion()))
        welcomed = False
        while True:
            message = await socket.receive(timeout=None if welcomed else OPEN_S)
            if message.type is not aiohttp.WSMsgType.TEXT:
                log.info("signaling_closed", code=socket.close_code)
                return 0.0
            try:
                received: FromVds = codec.from_vds.decode(message.data)
            except ProtocolError as error:
                log.warning("signaling_not_understood", code=error.code)
                continue
            match received:
                case Authenticated():
                    welcomed = True
                    self._failures = 0
                    self._on_ready()
                case SignalPosted():
                    self._signals.take(received, self.post)
                case SignalingError():
                    log.warning("signaling_refused", code=received.code)
                    if received.code == "replaced":
                        return REPLACED_S
                    if not welcomed:
                        return float(received.retry_after_s or 0)
                case _:
                    pass

    async def _send(self, message: ToVds) -> None:
        if self._socket is None:
            raise ConnectionError
        await self._socket.send_str(codec.encode(message).decode())

    async def _rest(self, wait_s: float) -> None:
        """Wait, or less if woken."""
        self._wake.clear()
        waking = asyncio.ensure_future(self._wake.wait())
        resting = asyncio.ensure_future(self._clock.sleep(wait_s))
        try:
            await asyncio.wait((waking, resting), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (waking, resting):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
