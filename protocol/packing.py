"""Pages of events as `History` and `ChatHistory` carry them: a JSON list, zlib, base64."""

import base64
import binascii
import zlib
from collections.abc import Iterable

import msgspec

from protocol import limits
from protocol.chat import Event
from protocol.errors import Malformed, TooLarge

_LEVEL = 6
_events: msgspec.json.Decoder[list[Event]] = msgspec.json.Decoder(list[Event])


def pack(bodies: Iterable[bytes]) -> str:
    """Pack events, each of them UTF-8 JSON."""
    return base64.b64encode(zlib.compress(b"[" + b",".join(bodies) + b"]", _LEVEL)).decode()


def unpack(packed: str) -> list[Event]:
    """Unpack events.

    Raises:
        Malformed: not base64 (RFC 4648, section 4) of zlib (RFC 1950) of a JSON list of events.
        TooLarge: more than UNPACKED_BYTES.
    """
    try:
        stream = zlib.decompressobj()
        data = stream.decompress(base64.b64decode(packed, validate=True), limits.UNPACKED_BYTES)
    except (binascii.Error, ValueError, zlib.error):
        raise Malformed("The page of events cannot be unpacked.") from None
    if stream.unconsumed_tail:
        raise TooLarge(f"The page of events is larger than {limits.UNPACKED_BYTES} bytes.")
    if not stream.eof or stream.unused_data:
        raise Malformed("The page of events is not whole.")
    try:
        return _events.decode(data)
    except (msgspec.DecodeError, RecursionError):
        raise Malformed("The page is not a list of events.") from None
