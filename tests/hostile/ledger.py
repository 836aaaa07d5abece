"""What went by in clear, and whether any of it was a chat's."""

import json
from collections.abc import Callable
from enum import Enum
from typing import Any, get_args

from protocol import trust
from protocol.errors import ProtocolError
from protocol.framing import Joiner


class Direction(Enum):
    TO_HOME = "to_home"
    TO_DEVICE = "to_device"


def _types(union: object) -> frozenset[str]:
    return frozenset(str(kind.__struct_config__.tag) for kind in get_args(union))


TRUST = {
    Direction.TO_HOME: _types(trust.ToHome),
    Direction.TO_DEVICE: _types(trust.FromHome),
}
Note = Callable[[Direction, str, bool], None]
"""Told of each message: the way it went, its type, whether it counts as a chat's."""


class Ledger:
    """Counts messages. Whatever is not a word of the trust protocol counts as a chat's."""

    def __init__(self, note: Note | None = None) -> None:
        self.trust: list[tuple[Direction, dict[str, Any]]] = []
        self.chat: list[tuple[Direction, str]] = []
        self._note = note
        self._joiners = {direction: Joiner() for direction in Direction}

    def hear(self, direction: Direction, frame: bytes | str) -> None:
        """Take a frame as it came, before anything is done to it."""
        try:
            if isinstance(frame, str):
                raise ValueError
            joined = self._joiners[direction].feed(frame)
            if joined is None:
                return
            message = json.loads(joined)
            kind = str(message["type"])
        except (ProtocolError, ValueError, KeyError, TypeError):
            self._count(direction, "?", None)
            return
        self._count(direction, kind, message if kind in TRUST[direction] else None)

    def types(self, direction: Direction) -> list[str]:
        """Give the types of the trust protocol's messages that went this way."""
        return [message["type"] for way, message in self.trust if way is direction]

    def _count(self, direction: Direction, kind: str, message: dict[str, Any] | None) -> None:
        if message is None:
            self.chat.append((direction, kind))
        else:
            self.trust.append((direction, message))
        if self._note is not None:
            self._note(direction, kind, message is None)
