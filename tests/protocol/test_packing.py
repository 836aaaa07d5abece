import base64
import zlib

import pytest

from protocol import codec
from protocol.chat import ChatCreated, Event, SettingChanged
from protocol.errors import Malformed, TooLarge
from protocol.limits import UNPACKED_BYTES
from protocol.packing import pack, unpack

CHAT = "01890a5d-ac96-774b-bcce-b302099a8057"
EVENTS: list[Event] = [
    ChatCreated(seq=1, at_ms=2, chat=CHAT, title="Привет 🙂", folder="a"),
    SettingChanged(seq=3, at_ms=4, name="language", value=None),
]


def packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


def test_what_is_packed_is_unpacked() -> None:
    assert unpack(pack([])) == []
    assert unpack(pack(codec.encode(event) for event in EVENTS)) == EVENTS


def test_a_page_that_unpacks_to_too_much_is_refused_before_it_is_unpacked() -> None:
    bomb = packed(b"[" + b" " * (UNPACKED_BYTES * 50) + b"]")
    assert len(bomb) < 100_000
    with pytest.raises(TooLarge):
        unpack(bomb)
    exact = b"[" + b" " * (UNPACKED_BYTES - 2) + b"]"
    assert unpack(packed(exact)) == []
    with pytest.raises(TooLarge):
        unpack(packed(exact + b" "))


@pytest.mark.parametrize(
    "page",
    [
        "",
        "not base64",
        "AAAA",
        packed(b"[]")[:-8],
        base64.b64encode(zlib.compress(b"[]") + b"more").decode(),
        packed(b"{}"),
        packed(b'[{"type":"chat_list"}]'),
        packed(b"[" * 100_000),
        packed("[]".encode("utf-16")),
    ],
)
def test_what_is_no_page_is_refused(page: str) -> None:
    with pytest.raises(Malformed):
        unpack(page)
