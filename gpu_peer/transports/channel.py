"""What every road gives: messages in order, both ways, with flow control."""

from typing import Protocol, TypeVar

from protocol import chat, trust
from protocol.codec import Decoder

T = TypeVar("T")

FromHome = trust.FromHome | chat.FromHome


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

    async def receive(self, decoder: Decoder[T]) -> T:
        """Wait for the next message, and understand it only as this decoder does.

        The caller says which messages have a place now: what came early waits as bytes, so that a
        message of a chat means nothing before the device has proved itself.

        Raises:
            ProtocolError: what came is not a message; the next one can be received.
            ChannelClosed: the other end is gone.
        """

    def close(self) -> None:
        """End the channel; what was sent is still delivered, if the road holds."""

    def cut(self) -> None:
        """End the channel at once: nothing more goes out, and what came is not read."""
