"""The devices that this home knows, as the machines ask for them."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Device:
    """A device that was paired.

    Attributes:
        id: 32 hexadecimal digits, derived from the key.
        key: The public key, as in a transcript.
        person: Whose device it is, and so whose chats it sees.
        revoked: It was removed, and is kept so that it can be told.
    """

    id: str
    key: bytes
    person: str
    revoked: bool = False


class Devices(Protocol):
    """The home's list. Asked in the middle of a step, so it answers from memory."""

    def find(self, device_id: str) -> Device | None:
        """Give the device of this id, revoked or not."""
