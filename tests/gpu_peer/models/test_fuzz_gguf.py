"""Hostile GGUF files: read, or refused in a sentence, for little memory and time."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from gguf.constants import GGML_QUANT_SIZES
from hypothesis import example, given
from hypothesis import strategies as st

from gpu_peer.models.gguf_file import GgufFile
from gpu_peer.models.gguf_source import GgufSource
from tests.gpu_peer.models.bounded import read_or_refused
from tests.gpu_peer.models.tiny import FAMILIES, write_tiny

HUGE = [0, 1, 2, 7, 31, 255, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 10**9]
HUGE += [10**12, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1]
NUMBERS = st.sampled_from(HUGE) | st.integers(0, 300) | st.integers(0, 2**64 - 1)
KINDS = st.sampled_from([int(kind) for kind in GGML_QUANT_SIZES]) | st.integers(0, 2**32 - 1)


def read_all(path: Path) -> None:
    """Read all that the exporter reads, and every tensor."""
    with GgufSource(path) as source:
        for name, info in source._gguf.tensors.items():
            source.tensor(name, info.shape)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "a.gguf"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    return {
        family: write_tiny(folder / f"{family}.gguf", family=family).read_bytes()
        for family in FAMILIES
    }


def test_the_unchanged_files_are_read(whole: dict[str, bytes], scratch: Path) -> None:
    for content in whole.values():
        scratch.write_bytes(content)
        assert read_or_refused(lambda: read_all(scratch)) is None


@st.composite
def changes(draw: st.DrawFn) -> list[tuple[str, float, int, bytes]]:
    """Where (as a share of the header), what, and with which bytes."""
    number = NUMBERS.map(lambda value: struct.pack("<Q", value))
    short = NUMBERS.map(lambda value: struct.pack("<I", value & 0xFFFFFFFF))
    return draw(
        st.lists(
            st.tuples(
                st.sampled_from(["replace", "insert", "delete", "repeat"]),
                st.floats(0, 1, exclude_max=True),
                st.integers(1, 64),
                st.binary(min_size=1, max_size=8) | number | short,
            ),
            min_size=1,
            max_size=4,
        )
    )


@given(family=st.sampled_from(sorted(FAMILIES)), changes=changes(), header=st.booleans())
def test_any_change_of_bytes(
    whole: dict[str, bytes],
    scratch: Path,
    family: str,
    changes: list[tuple[str, float, int, bytes]],
    header: bool,
) -> None:
    content = bytearray(whole[family])
    for kind, share, length, data in changes:
        place = int(share * (7_000 if header else len(content)))
        part = bytes(content[place : place + length])
        if kind == "replace":
            content[place : place + len(data)] = data
        elif kind == "insert":
            content[place:place] = data
        elif kind == "delete":
            del content[place : place + length]
        else:
            content[place:place] = part
    scratch.write_bytes(content)
    read_or_refused(lambda: read_all(scratch))


def text(value: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(value) if length is None else length) + value


NAMES = st.sampled_from(
    [
        b"general.architecture",
        b"general.alignment",
        b"llama.block_count",
        b"tokenizer.ggml.tokens",
        b"token_embd.weight",
        b"blk.0.attn_q.weight",
    ]
) | st.binary(max_size=12)


LIES = st.integers(0, 11).map(lambda dice: dice == 0)


@st.composite
def counts(draw: st.DrawFn, true: int) -> int:
    return draw(NUMBERS) if draw(LIES) else true


@st.composite
def strings(draw: st.DrawFn) -> bytes:
    value = draw(NAMES)
    return text(value, draw(counts(len(value))))


WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


@st.composite
def values(draw: st.DrawFn, depth: int = 0) -> bytes:
    """A type and a value, which mostly fit."""
    kinds = st.sampled_from([*WIDTHS, 8, 9])
    kind = draw(kinds | st.integers(0, 2**32 - 1) if draw(LIES) else kinds)
    if kind == 8:
        return struct.pack("<I", kind) + draw(strings())
    if kind != 9:
        width = WIDTHS.get(kind, 3)
        return struct.pack("<I", kind) + draw(st.binary(min_size=width, max_size=width))
    inner = draw(kinds)
    items = st.lists(values(depth + 1) if inner == 9 and depth < 3 else strings(), max_size=4)
    width = WIDTHS.get(inner, 0)
    if width:
        items = st.lists(st.binary(min_size=width, max_size=width), max_size=9)
    made = draw(items)
    return struct.pack("<IIQ", kind, inner, draw(counts(len(made)))) + b"".join(made)


@st.composite
def claims(draw: st.DrawFn) -> bytes:
    """The entry of a tensor."""
    small = st.sampled_from([1, 2, 16, 32, 64, 256])
    sizes = draw(st.lists(NUMBERS if draw(LIES) else small, min_size=1, max_size=4))
    rank = draw(counts(len(sizes))) & 0xFFFFFFFF
    shape = struct.pack(f"<I{len(sizes)}Q", rank, *sizes)
    tail = struct.pack("<IQ", draw(KINDS), draw(counts(0)))
    return draw(strings()) + shape + tail


@st.composite
def files(draw: st.DrawFn) -> bytes:
    entries = draw(st.lists(st.builds(bytes.__add__, strings(), values()), max_size=3))
    tensors = draw(st.lists(claims(), max_size=3))
    version = draw(st.sampled_from([2, 3])) if not draw(LIES) else draw(NUMBERS) & 0xFFFFFFFF
    numbers = [draw(counts(len(part))) for part in (tensors, entries)]
    head = b"GGUF" + struct.pack("<IQQ", version, *numbers)
    return head + b"".join(entries + tensors) + bytes(draw(st.sampled_from([64, 256, 4096])))


def nested(depth: int) -> bytes:
    """Arrays of arrays of arrays: small in the file, deep in a parser that recurses."""
    inner = struct.pack("<IQ", 9, 1) * depth
    return b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text(b"a") + struct.pack("<I", 9) + inner


def one_tensor(kind: int, sizes: tuple[int, ...], data: bytes) -> bytes:
    claim = text(b"t") + struct.pack(f"<I{len(sizes)}Q", len(sizes), *sizes)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + claim + struct.pack("<IQ", kind, 0)
    return head + bytes(-len(head) % 32) + data


@given(content=files())
@example(content=nested(50_000))
@example(content=one_tensor(0, (2**30,), bytes(64)))
@example(content=b"GGUF" + struct.pack("<IQQ", 3, 0, 2**64 - 1) + bytes(100_000))
@example(content=b"GGUF" + struct.pack("<IQQ", 3, 2**64 - 1, 0) + bytes(100_000))
@example(content=b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text(b"a" * 60_000) + bytes(4))
@example(
    content=b"GGUF"
    + struct.pack("<IQQ", 3, 0, 1)
    + text(b"general.architecture")
    + struct.pack("<I", 8)
    + text(b"\n\x1b[31m" * 20_000)
)
def test_any_header(scratch: Path, content: bytes) -> None:
    scratch.write_bytes(content)

    def read() -> None:
        with GgufFile(scratch) as gguf:
            for name, info in gguf.tensors.items():
                gguf.tensor(name, info.shape)

    read_or_refused(read)
    assert read_or_refused(lambda: read_all(scratch)) is not None


@given(kind=st.sampled_from(sorted(GGML_QUANT_SIZES)), data=st.binary(min_size=400, max_size=400))
@example(kind=0, data=b"\xff" * 400)
@example(kind=1, data=b"\x00\x7c" * 200)
def test_any_bytes_of_any_kind_of_tensor(scratch: Path, kind: int, data: bytes) -> None:
    block, size = GGML_QUANT_SIZES[kind]
    scratch.write_bytes(one_tensor(int(kind), (block,), (data * 3)[: max(size, 32)]))

    def read() -> None:
        with GgufFile(scratch) as gguf:
            gguf.tensor("t", (block,))

    read_or_refused(read)
