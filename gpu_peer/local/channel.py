"""`/channel`: the way to the home for a browser on the PC itself.

Where this machine has no network, a browser finds no address for WebRTC at all. The app's own pages
alone may open it, and who they are, they prove as on every road; in the place of certificates both
ends sign the port, which has one holder.
"""

import asyncio
import contextlib
from urllib.parse import urlsplit

from aiohttp import WSCloseCode, web

from gpu_peer.config import LOOPBACK
from gpu_peer.local.gate import refuse
from gpu_peer.transports.signaled_sessions import Serve
from gpu_peer.transports.web_socket_channel import WebSocketChannel, new_socket
from gpu_peer.trust.connect import Fingerprints
from protocol.transcript import loopback_fingerprint

MAX_CHANNELS = 32


class LocalChannels:
    """The handler of `/channel`."""

    def __init__(self, origin: str, port: int, serve: Serve) -> None:
        """Prepare.

        Args:
            origin: The app's. Where it is not of this machine, no page may speak here.
            port: This server's, which both ends sign.
            serve: Finds out who it is and talks to the device until the channel is closed.
        """
        self._origins = own_origins(origin)
        self._fingerprints = Fingerprints(
            home=loopback_fingerprint("home", port), device=loopback_fingerprint("device", port)
        )
        self._serve = serve
        self._open: dict[WebSocketChannel, web.WebSocketResponse] = {}

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """GET /channel, a WebSocket (RFC 6455) of frames."""
        said = request.headers.getall("Origin", [])
        if len(said) != 1 or said[0] not in self._origins:
            return refuse(403, "Only the app's own pages may speak here.")
        if len(self._open) >= MAX_CHANNELS:
            return refuse(503, "Too many pages are open. Close one and try again.")
        socket = new_socket()
        await socket.prepare(request)
        if request.transport is None:
            return socket  # it has gone already
        channel = WebSocketChannel(socket, request.transport)
        self._open[channel] = socket
        reading = asyncio.ensure_future(channel.read())
        try:
            await self._serve(channel, self._fingerprints)
        finally:
            del self._open[channel]
            if not channel.is_cut:
                await socket.close()
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await reading
        return socket

    async def close(self, _app: web.Application) -> None:
        """Tell everybody that the home ends; what was sent is still delivered."""
        for channel in self._open:
            channel.close()
        going_away = WSCloseCode.GOING_AWAY
        await asyncio.gather(*(one.close(code=going_away) for one in self._open.values()))


def own_origins(origin: str) -> frozenset[str]:
    """Give the app's origin by both names of this machine; none where it is another's."""
    parts = urlsplit(origin)
    if parts.hostname not in LOOPBACK:
        return frozenset()
    port = "" if parts.port is None else f":{parts.port}"
    names = (f"{parts.scheme}://{name}{port}" for name in ("localhost", "127.0.0.1"))
    return frozenset((origin, *names))
