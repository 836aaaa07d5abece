"""What every road gives: messages in order, both ways, with flow control."""

from typing import Protocol

from protocol.chat import FromHome, ToHome


class Channel(Protocol):
    """An open channel to one device."""

    @property
    def frames_received(self) -> int:
        """How many frames ever came; it grows while the other end lives."""

    async def send(self, message: FromHome) -> None:
        """Send a message, once what was sent before it is nearly gone.

        Raises:
            ChannelClosed: the other end is gone.
        """

    async def receive(self) -> ToHome:
        """Wait for the next message.

        Raises:
            ProtocolError: what came is not a message; the next one can be received.
            ChannelClosed: the other end is gone.
        """

    def close(self) -> None:
        """End the channel; what was sent is still delivered, if the road holds."""
