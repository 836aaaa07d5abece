"""Whether a STUN or TURN server answers: a Binding request (RFC 8489) by its own transport."""

import asyncio
import ssl

from gpu_peer.transports.ice_servers import Server
from protocol import stun

UDP_S = (0.25, 0.5, 0.75)
"""So long an answer is waited for after each time the request is sent."""

STREAM_S = 3.0
"""So long a connection, TLS in it, and the answer may take."""


async def answers(server: Server, local: str | None = None) -> bool:
    """Whether the server answers.

    Args:
        server: `host` is a literal, or for TLS the name that the certificate is for.
        local: The address of this machine to ask from; by UDP only.
    """
    try:
        if server.transport == "udp":
            return await _by_udp(server, local)
        async with asyncio.timeout(STREAM_S):
            return await _by_stream(server)
    except (OSError, ssl.SSLError, ValueError, asyncio.IncompleteReadError):
        return False  # TimeoutError is an OSError; ValueError is a name that cannot be one


class _Ear(asyncio.DatagramProtocol):
    """Waits for the answer to one request."""

    def __init__(self, transaction_id: bytes) -> None:
        self.heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transaction_id = transaction_id

    def datagram_received(self, data: bytes, _from: object) -> None:
        if _is_answer(data, self._transaction_id) and not self.heard.done():
            self.heard.set_result(None)

    def error_received(self, error: Exception) -> None:
        if not self.heard.done():
            self.heard.set_exception(error)


async def _by_udp(server: Server, local: str | None) -> bool:
    request, transaction_id = _request()
    transport, ear = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Ear(transaction_id),
        local_addr=None if local is None else (local, 0),
        remote_addr=(server.host, server.port),
    )
    try:
        for wait_s in UDP_S:
            transport.sendto(request)
            await asyncio.wait((ear.heard,), timeout=wait_s)
            if ear.heard.done():
                ear.heard.result()
                return True
        return False
    finally:
        transport.close()


async def _by_stream(server: Server) -> bool:
    request, transaction_id = _request()
    # As aioice will connect: the same trust store, the name checked.
    encryption = True if server.transport == "tls" else None
    reader, writer = await asyncio.open_connection(server.host, server.port, ssl=encryption)
    try:
        writer.write(request)
        header = await reader.readexactly(stun.HEADER_LENGTH)
        rest = await reader.readexactly(int.from_bytes(header[2:4], "big"))
        return _is_answer(header + rest, transaction_id)
    finally:
        writer.transport.abort()


def _request() -> tuple[bytes, bytes]:
    transaction_id = stun.new_transaction_id()
    request = stun.build(stun.Method.BINDING, stun.Class.REQUEST, transaction_id)
    return request, transaction_id


def _is_answer(data: bytes, transaction_id: bytes) -> bool:
    try:
        message = stun.parse(data)
    except stun.NotStun:
        return False
    return message.cls is stun.Class.SUCCESS and message.transaction_id == transaction_id
