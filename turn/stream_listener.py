"""A TCP socket that listens. A connection counts from when it is accepted, its TLS handshake too.

A server of the event loop tells of a connection only once TLS is agreed on, so nobody would count
those who open many and say nothing.
"""

import asyncio
import contextlib
import socket
import ssl

from turn.streams import Connections, StreamClient

_BACKLOG = 256
_RETRY_S = 1.0
"""After the system had no room for one more, as an event loop's own servers do."""


class StreamListener:
    """Accepts until it is closed."""

    def __init__(
        self, connections: Connections, bound: socket.socket, tls: ssl.SSLContext | None
    ) -> None:
        self._connections = connections
        self._socket = bound
        self._tls = tls
        self._within_s = connections.limits.allocate_within_s if tls else None
        self._beginning: set[asyncio.Task[None]] = set()
        bound.listen(_BACKLOG)
        self._accepting = asyncio.create_task(self._accept())

    async def close(self) -> None:
        """Accept no more, and give up handshakes; connections live on."""
        tasks = {self._accepting, *self._beginning}
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        self._socket.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, (host, port, *_) = await loop.sock_accept(self._socket)
            except ConnectionAbortedError:  # it is gone already
                continue
            except OSError:
                await asyncio.sleep(_RETRY_S)
                continue
            client = StreamClient(self._connections, (host.partition("%")[0], port))
            if not self._connections.admit(client.address):
                accepted.close()
                continue
            task = asyncio.create_task(self._begin(client, accepted))
            self._beginning.add(task)
            task.add_done_callback(self._beginning.discard)

    async def _begin(self, client: StreamClient, accepted: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            # The loop agrees on TLS: a handshake that we begin ourselves loses what a client has
            # said already, since uvloop reads before it can be told not to.
            with contextlib.suppress(OSError):
                await loop.connect_accepted_socket(
                    lambda: client, accepted, ssl=self._tls, ssl_handshake_timeout=self._within_s
                )
        finally:
            if not client.has_begun:
                self._connections.leave(client.address)
