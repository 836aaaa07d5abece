"""Long messages on a data channel: split into frames, joined again.

A frame is one byte of flags and a piece of the message. The first frame of a message has FIRST,
the last has LAST, a message of one frame has both. Channels are ordered and reliable, so frames
need no numbers, and the frames of one message are never mixed with another's.
"""

from protocol.errors import Malformed, TooLarge
from protocol.limits import FRAME_BYTES, MESSAGE_BYTES

FIRST = 0b01
LAST = 0b10
_PIECE = FRAME_BYTES - 1


def split(message: bytes) -> list[bytes]:
    """Split a message of at most MESSAGE_BYTES into frames of at most FRAME_BYTES.

    Raises:
        TooLarge: the message is longer than a channel carries.
    """
    if len(message) > MESSAGE_BYTES:
        raise TooLarge(f"A message holds at most {MESSAGE_BYTES} bytes. Send less at once.")
    starts = range(0, max(len(message), 1), _PIECE)
    return [
        bytes([(FIRST if start == 0 else 0) | (LAST if start + _PIECE >= len(message) else 0)])
        + message[start : start + _PIECE]
        for start in starts
    ]


class Joiner:
    """Joins the frames of one direction of one channel.

    After an error the rest of the bad message is passed over in silence, and the next message is
    taken as if nothing had been: one bad message costs itself and no other.
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._skipping = False

    def feed(self, frame: bytes) -> bytes | None:
        """Take one frame; give the message if this was its last, else None.

        Raises:
            Malformed: no header, unknown flags, or a piece that belongs to no message.
            TooLarge: the message grew beyond MESSAGE_BYTES, or the frame beyond FRAME_BYTES.
        """
        flags = frame[0] if frame else 0
        first, last = bool(flags & FIRST), bool(flags & LAST)
        if first:
            unfinished = bool(self._parts)
            self._reset()
            if unfinished:
                self._skip_unless(last)
                raise Malformed("A message began before the one before it had ended.")
        elif self._skipping:
            self._skipping = not last
            return None
        if not frame or flags & ~(FIRST | LAST) or (not first and not self._parts):
            self._skip_unless(last)
            raise Malformed("A frame belongs to no message.")
        self._size += len(frame) - 1
        if len(frame) > FRAME_BYTES or self._size > MESSAGE_BYTES:
            self._skip_unless(last)
            raise TooLarge(f"A message holds at most {MESSAGE_BYTES} bytes. Send less at once.")
        self._parts.append(frame[1:])
        if not last:
            return None
        message = b"".join(self._parts)
        self._reset()
        return message

    def _reset(self) -> None:
        self._parts, self._size, self._skipping = [], 0, False

    def _skip_unless(self, last: bool) -> None:
        self._reset()
        self._skipping = not last
