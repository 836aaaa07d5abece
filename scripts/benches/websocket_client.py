"""A WebSocket client just good enough for measuring: it must cost less than the server."""

import asyncio
import base64
import json
import secrets
from collections.abc import Callable
from typing import Any, cast


class Socket(asyncio.Protocol):
    """One connection (RFC 6455): text frames out, whole messages in."""

    def __init__(self, port: int, path: str, origin: str) -> None:
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: Upgrade\r\n"
            f"Upgrade: websocket\r\nOrigin: {origin}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(secrets.token_bytes(16)).decode()}\r\n\r\n"
        ).encode()
        self._buffer = b""
        self._open = False
        self._messages: asyncio.Queue[bytes] | None = asyncio.Queue()
        self.on_message: Callable[[bytes], None] = self._messages.put_nowait

    @classmethod
    async def connect(cls, port: int, path: str, origin: str) -> "Socket":
        socket = cls(port, path, origin)
        await asyncio.get_running_loop().create_connection(lambda: socket, "127.0.0.1", port)
        return socket

    async def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        self.send(json.dumps(message).encode())
        return await self.next()

    async def next(self) -> dict[str, Any]:
        assert self._messages
        answer: dict[str, Any] = json.loads(await self._messages.get())
        assert answer["type"] != "error", answer
        return answer

    def listen(self, on_message: Callable[[bytes], None]) -> None:
        self.on_message, self._messages = on_message, None

    def send(self, payload: bytes, opcode: int = 1) -> None:
        # A mask of zeros is a mask (RFC 6455, section 5.3) and leaves the payload as it is.
        size = len(payload)
        header = bytes([0x80 | opcode])
        header += bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        self._transport.write(header + b"\0\0\0\0" + payload)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not a subclass of it
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data
        if not self._open:
            head, found, rest = buffer.partition(b"\r\n\r\n")
            if found:
                assert b" 101 " in head, head
                self._open, buffer = True, rest
        start = 0
        while self._open and len(buffer) >= start + 2:
            size, at = buffer[start + 1], start + 2
            if size == 126:
                size, at = int.from_bytes(buffer[at : at + 2], "big"), at + 2
            elif size == 127:
                size, at = int.from_bytes(buffer[at : at + 8], "big"), at + 8
            if len(buffer) < at + size:
                break
            self._handle(buffer[start] & 15, buffer[at : at + size])
            start = at + size
        self._buffer = buffer[start:]

    def _handle(self, opcode: int, payload: bytes) -> None:
        if opcode == 1:
            self.on_message(payload)
        elif opcode == 9:
            self.send(payload, opcode=10)
