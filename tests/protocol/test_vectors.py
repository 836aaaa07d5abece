"""Both languages are held to the same messages and frames; this is Python's side."""

import json
from pathlib import Path
from typing import Any

import pytest

from protocol import codec
from protocol.errors import ProtocolError
from protocol.framing import Joiner

VECTORS = Path(__file__).parents[2] / "protocol" / "vectors"
MESSAGES = json.loads((VECTORS / "messages.json").read_text("utf-8"))
FRAMES = json.loads((VECTORS / "frames.json").read_text("utf-8"))["cases"]


def text_of(case: dict[str, Any]) -> str:
    unit, times = case.get("repeat", ("", 0))
    text: str = case["text"]
    return text.replace("{repeat}", unit * times)


def named(cases: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(c, id=f"{c.get('road', 'frames')}: {c['name']}") for c in cases]


@pytest.mark.parametrize("case", named(MESSAGES["valid"]))
def test_takes_a_valid_message_and_says_it_again(case: dict[str, Any]) -> None:
    decoder: codec.Decoder[Any] = getattr(codec, case["road"])
    text = text_of(case)
    message = decoder.decode(text)
    assert decoder.decode(codec.encode(message)) == message
    assert decoder.decode(text.encode()) == message


@pytest.mark.parametrize("case", named(MESSAGES["invalid"]))
def test_refuses_an_invalid_message_with_its_code(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["hex"]) if "hex" in case else text_of(case)
    with pytest.raises(ProtocolError) as caught:
        getattr(codec, case["road"]).decode(data)
    assert caught.value.code == case["code"]


@pytest.mark.parametrize("case", named(FRAMES))
def test_joins_frames(case: dict[str, Any]) -> None:
    joiner = Joiner()
    for frame, outcome in zip(case["frames"], case["outcomes"], strict=True):
        data = b""
        if frame is not None:
            data = bytes([frame["flags"]]) + bytes.fromhex(frame["fill"]) * frame["length"]
        if outcome is not None and "error" in outcome:
            with pytest.raises(ProtocolError) as caught:
                joiner.feed(data)
            assert caught.value.code == outcome["error"]
        else:
            message = joiner.feed(data)
            assert (message is None) == (outcome is None)
            if outcome is not None:
                assert message == b"a" * outcome["length"]
