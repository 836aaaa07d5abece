"""How the server speaks to one client, whatever road leads there."""

from typing import Protocol

from protocol import codec
from protocol.errors import ProtocolError
from protocol.signaling import SignalingError
from signaling.errors import Refused


class Outbox(Protocol):
    """Sends to one client, in order, without making anybody wait.

    What waits has a bound: a client that lets it fill up is cut off.
    """

    @property
    def closing(self) -> bool:
        """Whether nothing more will be sent."""

    def push(self, message: bytes) -> None:
        """Queue a message; once `closing`, it goes nowhere."""

    def refuse(self, why: Refused | ProtocolError) -> None:
        """Say why, then close."""

    def go_away(self) -> None:
        """Close, since the server ends."""


def error_message(why: Refused | ProtocolError) -> bytes:
    """Encode what a client is told when something is refused."""
    retry_after_s = why.retry_after_s if isinstance(why, Refused) else None
    return codec.encode(
        SignalingError(code=why.code, message=str(why), retry_after_s=retry_after_s)
    )
