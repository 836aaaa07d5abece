"""Safetensors files: read, or refused in a sentence, for little memory and time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_peer.models.errors import SourceDamaged
from gpu_peer.models.safetensors_file import MAX_HEADER_BYTES, SafetensorsFile
from tests.gpu_peer.models.bounded import read_or_refused
from tests.gpu_peer.models.checkpoint import framed
from tests.gpu_peer.models.hostile_json import JSON, NUMBERS


def read_file(path: Path) -> None:
    file = SafetensorsFile(path)
    try:
        for name, place in file.tensors.items():
            if place.begin < place.end and place.shape:
                list(file.rows(name, place.shape, 5))
    finally:
        file.close()


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "a.safetensors"


def entry(dtype: object, shape: object, begin: object, end: object) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


DATA = np.arange(16, dtype="<f4").tobytes()
SOUND = {"a": entry("F32", [4, 2], 0, 32), "b": entry("F32", [8], 32, 64)}


def test_a_sound_file_is_read(scratch: Path) -> None:
    empty = {"e": entry("F32", [0, 3], 64, 64), "__metadata__": {"format": "pt"}}
    scratch.write_bytes(framed({**SOUND, **empty}, DATA))
    assert read_or_refused(lambda: read_file(scratch)) is None
    file = SafetensorsFile(scratch)
    assert np.concatenate(list(file.rows("b", (8,), 3))).tolist() == [*range(8, 16)]
    file.close()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\1\0\0", "within its first 8 bytes"),
        (b"\xff" * 8 + b"{}", "a header of 18446744073709551615 bytes in a file of 10"),
        (framed(b"{}", b"")[:-1], "in a file of 9"),
        (framed(b"\xff", b""), "not JSON"),
        (framed(b"{", b""), "not JSON"),
        (framed(b"[]", b""), "not a JSON object"),
        (framed(b'{"a":' * 100_000, b""), "not JSON"),
        (framed(b'{"a":1,"a":1}', b""), "not JSON"),
        (framed(b'{"a":NaN}', b""), "not JSON"),
        (framed(b'{"\\ud800":1}', b""), "not JSON"),
        (framed(b'{"a":' + b"9" * 50 + b"}", b""), "not JSON"),
        (framed({"a": 1}, b""), "a is not an object"),
        (framed({"a": {}}, b""), "dtype is missing"),
        (framed({"a": entry("F32", [4], 0, 16)}, b""), "end at byte"),
        (framed({"a": entry("F32", [4], 0, 16)}, DATA), "end at byte"),
        (framed({**SOUND, "b": entry("F32", [8], 16, 48)}, DATA), "b begins at byte"),
        (framed({**SOUND, "b": entry("F32", [7], 36, 64)}, DATA), "b begins at byte"),
        (framed({**SOUND, "c": entry("F32", [8], 32, 64)}, DATA), "c begins at byte"),
        (framed({"a": entry("F32", [16], 64, 0)}, DATA), "the 64 bytes of its shape"),
        (framed({"a": entry("F32", [17], 0, 64)}, DATA), "the 68 bytes of its shape"),
        (framed({"a": entry("F32", [2**63, 2**63], 0, 0)}, DATA), "too many elements"),
        (framed({"a": entry("F32", [2**32, 2**32, 0], 0, 0)}, b""), ""),
        (framed({"a": entry("F32", [1] * 100_000, 0, 4)}, DATA[:4]), "100000 dimensions"),
        (framed({"a": entry("F32", [-1], 0, 4)}, DATA[:4]), "no whole number"),
        (framed({"a": entry("F32", [1.0], 0, 4)}, DATA[:4]), "no whole number"),
        (framed({"a": entry("F32", [True], 0, 4)}, DATA[:4]), "no whole number"),
        (framed({"a": entry("F4", [8], 0, 4)}, DATA[:4]), "unknown type F4"),
        (framed({"a": {**SOUND["a"], "data_offsets": [0]}}, DATA), "bytes of its shape"),
        (framed({"n" * 300: SOUND["a"]}, DATA[:32]), "a name of 300 characters"),
    ],
)
def test_a_hostile_header_is_named(scratch: Path, content: bytes, why: str) -> None:
    scratch.write_bytes(content)
    refusal = read_or_refused(lambda: read_file(scratch))
    assert (refusal is None) == (not why)
    assert why in (refusal or "")


def test_a_billion_tensors_are_refused_by_the_size_of_the_header(scratch: Path) -> None:
    one = b'"%09d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},'
    text = b"{" + b"".join(one % i for i in range(80_000)) + b'"__metadata__":{}}'
    assert len(text) > MAX_HEADER_BYTES
    scratch.write_bytes(framed(text, b""))
    assert "a header of" in str(read_or_refused(lambda: read_file(scratch)))
    claimed = (60 * 10**9).to_bytes(8, "little") + text
    scratch.write_bytes(claimed)
    assert "a header of 60000000000 bytes in a file" in str(
        read_or_refused(lambda: read_file(scratch))
    )


def test_the_largest_header_takes_bounded_memory(scratch: Path) -> None:
    """Empty objects are what grows most: two characters of text, 72 bytes of memory."""
    scratch.write_bytes(framed(b'{"a":[' + b"{}," * 1_390_000 + b"0]}", b""))
    with pytest.raises(SourceDamaged, match="a is not an object"):
        read_file(scratch)
    scratch.write_bytes(framed(b"[" + b"[]," * 2_000_000 + b"0]", b"")[:MAX_HEADER_BYTES])
    assert read_or_refused(lambda: read_file(scratch)) is not None


@st.composite
def headers(draw: st.DrawFn) -> Any:
    """Headers whose tensors mostly fit, with lies among them."""
    header: dict[str, Any] = {}
    position = 0
    for name in draw(st.lists(st.text(max_size=4), max_size=5, unique=True)):
        shape = draw(st.lists(st.integers(0, 4), max_size=3) | st.lists(NUMBERS, max_size=9))
        dtype, width = draw(st.sampled_from([("F32", 4), ("BF16", 2), ("F16", 2), ("I64", 8)]))
        size = width
        for count in shape:
            size *= count
        end = position + size
        header[name] = entry(dtype, shape, position, end)
        if draw(st.integers(0, 5)) == 0:
            header[name][draw(st.sampled_from(["dtype", "shape", "data_offsets"]))] = draw(JSON)
        if draw(st.integers(0, 5)) == 0:
            header[name]["data_offsets"] = [draw(NUMBERS), draw(NUMBERS)]
        position = end
    if draw(st.booleans()):
        header["__metadata__"] = draw(JSON)
    return header


@given(header=headers(), size=st.integers(0, 64) | st.just(None))
def test_any_header(scratch: Path, header: Any, size: int | None) -> None:
    ends = [item["data_offsets"] for key, item in header.items() if key != "__metadata__"]
    most = max(
        (pair[1] for pair in ends if isinstance(pair, list) and len(pair) == 2 and _small(pair)),
        default=0,
    )
    scratch.write_bytes(framed(header, bytes(most if size is None else size)))
    read_or_refused(lambda: read_file(scratch))


def _small(pair: list[Any]) -> bool:
    return all(type(value) is int and 0 <= value < 10_000 for value in pair)


@given(
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=4), st.integers(0, 9)),
        min_size=1,
        max_size=4,
    )
)
def test_any_change_of_bytes(scratch: Path, changes: list[tuple[float, bytes, int]]) -> None:
    content = bytearray(framed(SOUND, DATA))
    for share, data, removed in changes:
        place = int(share * len(content))
        content[place : place + removed] = data
    scratch.write_bytes(content)
    read_or_refused(lambda: read_file(scratch))
