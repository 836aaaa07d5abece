"""The server on 127.0.0.1, and only there."""

import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from gpu_peer.config import Config
from gpu_peer.errors import NoLocalPort
from gpu_peer.local.channel import LocalChannels
from gpu_peer.local.control import Control, OpenDesk
from gpu_peer.local.control_file import ControlFile, announced
from gpu_peer.local.door import Door, FirstBrowser, LogIn
from gpu_peer.local.gate import add_headers, require_loopback_name
from gpu_peer.transports.signaled_sessions import Serve

TOKEN_BYTES = 32
END_WITHIN_S = 1.0

log = structlog.get_logger()


@asynccontextmanager
async def local_server(
    config: Config, door: Door, open_desk: OpenDesk, serve: Serve, log_in: Callable[[], str]
) -> AsyncIterator[int]:
    """Serve this machine until the end. Gives the port.

    Args:
        config: The settings; the data folder is there, and this process's alone.
        door: The household.
        open_desk: Opens a desk for somebody at the PC itself, given the way for its replies.
        serve: Serves a device whose channel is a socket of this machine.
        log_in: Signs the home's word by which a browser on the PC gets an account.

    Raises:
        NoLocalPort: there is no port at all; one that is taken is not an error.
        KeyUnreadable: the file with port and token cannot be written.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    control = Control(token, open_desk)
    listener = _listen(config.wanted_local_port)
    port = int(listener.getsockname()[1])
    channels = LocalChannels(config.origin_here, port, serve)
    app = web.Application(middlewares=[require_loopback_name])
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.extend((control.close, channels.close))
    app.add_routes(
        [
            web.get("/pair", FirstBrowser(door, config.origin_here).open, allow_head=False),
            web.get("/login", LogIn(log_in, config.origin_here).open, allow_head=False),
            web.get("/channel", channels.serve, allow_head=False),
            web.get("/control", control.serve, allow_head=False),
        ]
    )
    # Without a log of requests: it would be the place for a secret to leak into.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=END_WITHIN_S)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        said = ControlFile(port=port, token=token, origin=config.audience)
        with announced(config.folder, said):
            log.info("local_server_ready", port=port)
            yield port
    finally:
        await runner.cleanup()
        listener.close()


def _listen(wanted: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", wanted))
    except OSError:
        log.warning("local_port_taken", port=wanted)
    try:
        return socket.create_server(("127.0.0.1", 0))
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise NoLocalPort(
            f"127.0.0.1 has no free port: {why}. End some programs and start again."
        ) from None
