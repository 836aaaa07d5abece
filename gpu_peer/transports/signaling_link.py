"""What carries messages between this home and a signaling server: a WebSocket, or HTTP requests."""

from typing import Protocol

from protocol.signaling import ToVds


class Link(Protocol):
    """Open, and the home's token is handed over; whether it was good is the first thing to come."""

    async def send(self, message: ToVds) -> None:
        """Send a message.

        Raises:
            ConnectionError: the server is gone.
            aiohttp.ClientError: likewise.
        """

    async def receive(self) -> str | bytes | None:
        """Wait for the next message; None at the end.

        Raises:
            OSError: the server is gone.
            aiohttp.ClientError: likewise.
        """

    async def close(self) -> None:
        """End it."""
