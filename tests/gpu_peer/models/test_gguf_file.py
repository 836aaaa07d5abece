"""Reading GGUF files: sound ones as the `gguf` package does, all others with a typed error."""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader
from hypothesis import given
from hypothesis import strategies as st

from gpu_peer.models.embedded import embedded_gguf
from gpu_peer.models.errors import ModelError, SourceDamaged, SourceUnsupported, StorageFailed
from gpu_peer.models.gguf_config import read_config
from gpu_peer.models.gguf_file import GgufFile
from gpu_peer.models.gguf_tokenizer import read_tokenizer
from tests.gpu_peer.models.tiny import tokens, write_tiny


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch") / "changed.gguf"


def read_all(path: Path) -> None:
    """Read what the exporter reads, and every tensor."""
    with GgufFile(path) as gguf:
        config = read_config(gguf)
        read_tokenizer(gguf, config.vocab)
        for name, info in gguf.tensors.items():
            gguf.tensor(name, info.shape)


def test_a_sound_file_reads_as_the_gguf_package_reads_it(tiny: Path) -> None:
    theirs = GGUFReader(tiny)
    with GgufFile(tiny) as ours:
        assert set(ours.tensors) == {tensor.name for tensor in theirs.tensors}
        for tensor in theirs.tensors:
            info = ours.tensors[tensor.name]
            assert info.shape == tuple(int(size) for size in tensor.shape)[::-1]
            assert info.kind is tensor.tensor_type
            assert (info.offset, info.size) == (tensor.data_offset, tensor.n_bytes)
            assert (ours.raw(info) == tensor.data.reshape(-1).view(np.uint8)).all()
        for key in ("tokenizer.ggml.tokens", "tokenizer.ggml.merges"):
            assert ours.texts(key) == theirs.fields[key].contents()
        key = "tokenizer.ggml.token_type"
        assert ours.integers(key) == theirs.fields[key].contents()
        key = "llama.attention.layer_norm_rms_epsilon"
        assert ours.number(key) == theirs.fields[key].contents()


@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_damaged(tiny: Path, scratch: Path, share: float) -> None:
    whole = tiny.read_bytes()
    scratch.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(SourceDamaged, match=r"changed\.gguf is damaged"):
        read_all(scratch)


def test_the_embedded_model_cut_in_half_is_damaged(scratch: Path) -> None:
    with embedded_gguf().open("rb") as file:
        scratch.write_bytes(file.read(49_000_000))
    with pytest.raises(SourceDamaged, match="outside the file"):
        read_all(scratch)


@given(
    changes=st.lists(
        st.tuples(st.integers(0, 6_500), st.binary(min_size=1, max_size=8)), max_size=3
    )
)
def test_changed_header_bytes_never_escape_as_another_error(
    tiny: Path, scratch: Path, changes: list[tuple[int, bytes]]
) -> None:
    content = bytearray(tiny.read_bytes())
    for place, replacement in changes:
        content[place : place + len(replacement)] = replacement
    scratch.write_bytes(content)
    with suppress(ModelError):
        read_all(scratch)


@given(content=st.binary(max_size=200))
def test_garbage_after_a_magic_number_is_refused(scratch: Path, content: bytes) -> None:
    scratch.write_bytes(b"GGUF" + struct.pack("<I", 3) + content)
    with pytest.raises(ModelError):
        read_all(scratch)


def header(tensors: int, entries: int, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, entries)


def entry(name: str, kind: int, value: bytes) -> bytes:
    return struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", kind) + value


def claim(name: str, shape: tuple[int, ...], kind: int, offset: int) -> bytes:
    sizes = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
    return struct.pack("<Q", len(name)) + name.encode() + sizes + struct.pack("<IQ", kind, offset)


HUGE = 2**64 - 1
PADDING = bytes(64)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"PK\x03\x04" + PADDING, "not a GGUF file"),
        (header(HUGE, 1) + PADDING, "tensors are claimed"),
        (header(0, HUGE) + PADDING, "entries and 0 tensors are claimed"),
        (header(0, 1) + struct.pack("<Q", HUGE) + PADDING, "a name of"),
        (header(0, 1) + entry("a", 8, struct.pack("<Q", HUGE)) + PADDING, "are left"),
        (header(0, 1) + entry("a", 9, struct.pack("<IQ", 5, 10**9)) + PADDING, "10+ entries"),
        (header(0, 1) + entry("a", 9, struct.pack("<IQ", 8, 10**9)) + PADDING, "10+ entries"),
        (header(0, 1) + entry("a", 9, struct.pack("<IQ", 9, 1)) + PADDING, "array of arrays"),
        (header(0, 1) + entry("a", 77, b"") + PADDING, "unknown value type 77"),
        (header(0, 1) + entry("a", 8, struct.pack("<Q", 1) + b"\xff") + PADDING, "not UTF-8"),
        (header(0, 2) + 2 * entry("a", 0, b"\1") + PADDING, "given twice"),
        (header(1, 0) + claim("t", (2**63, 2), 0, 0) + PADDING, "has shape"),
        (header(1, 0) + claim("t", (0,), 0, 0) + PADDING, "has shape"),
        (header(1, 0) + claim("t", (), 0, 0) + PADDING, "0 dimensions"),
        (header(1, 0) + claim("t", (33,), 8, 0) + PADDING, "whole blocks"),
        (header(1, 0) + claim("t", (4,), 0, 2**40) + PADDING, "outside the file"),
        (header(1, 0) + claim("t", (4,), 0, 1) + PADDING, "outside the file"),
        (header(2, 0) + 2 * claim("t", (4,), 0, 0) + PADDING, "given twice"),
        (
            header(0, 1) + entry("general.alignment", 4, struct.pack("<I", 0)) + PADDING,
            "alignment",
        ),
    ],
)
def test_a_hostile_claim_is_named(scratch: Path, content: bytes, why: str) -> None:
    scratch.write_bytes(content)
    with pytest.raises(SourceDamaged, match=why):
        GgufFile(scratch)


def test_other_versions_and_element_types_are_unsupported(scratch: Path) -> None:
    scratch.write_bytes(header(0, 0, version=1) + PADDING)
    with pytest.raises(SourceUnsupported, match="version 1"):
        GgufFile(scratch)
    scratch.write_bytes(header(1, 0) + claim("t", (32,), 999, 0) + PADDING)
    with pytest.raises(SourceUnsupported, match="unknown type 999"):
        GgufFile(scratch)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="No such file"):
        GgufFile(tmp_path / "nowhere.gguf")


def test_values_that_are_not_finite_are_damage(tmp_path: Path) -> None:
    path = write_tiny(tmp_path / "a.gguf")
    with GgufFile(path) as gguf:
        info = gguf.tensors["blk.1.ffn_down.weight"]
    content = bytearray(path.read_bytes())
    content[info.offset : info.offset + 2] = np.array(np.inf, dtype="<f2").tobytes()
    path.write_bytes(content)
    with pytest.raises(SourceDamaged, match="not finite"):
        read_all(path)


def _refused(tmp_path: Path, error: type[ModelError], why: str, **tiny: object) -> None:
    path = write_tiny(tmp_path / "a.gguf", **tiny)  # type: ignore[arg-type]
    with pytest.raises(error, match=why):
        read_all(path)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"llama.block_count": 0}, "block_count is 0"),
        ({"llama.block_count": "two"}, "not a whole number"),
        ({"llama.attention.head_count_kv": 3}, "4 heads, 3 key heads"),
        ({"llama.attention.layer_norm_rms_epsilon": float("nan")}, "not finite"),
        ({"llama.rope.freq_base": 0.0}, "rotary base"),
        ({"llama.embedding_length": 128}, "no embedding of width 128"),
        ({"llama.context_length": 10**9}, "context_length is 10+"),
        ({"tokenizer.ggml.eos_token_id": 10_000}, "eos_token_id is 10000"),
        ({"tokenizer.ggml.tokens": ["a", "a"]}, "1 different tokens"),
        ({"tokenizer.ggml.token_type": [1]}, "1 kinds"),
        ({"tokenizer.ggml.model": "llama"}, "bos_token_id is missing"),
        (
            {
                "tokenizer.ggml.model": "llama",
                "tokenizer.ggml.bos_token_id": 1,
                "tokenizer.ggml.scores": [0.5],
            },
            "1 scores",
        ),
        ({"tokenizer.ggml.merges": ["x yz"]}, "the merge 'x yz'"),
        ({"tokenizer.ggml.merges": ["alone"]}, "the merge 'alone'"),
    ],
)
def test_metadata_that_contradicts_itself_is_damage(
    tmp_path: Path, change: dict[str, object], why: str
) -> None:
    _refused(tmp_path, SourceDamaged, why, change=change)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"tokenizer.ggml.model": "bert"}, "of the kind bert"),
        ({"tokenizer.ggml.pre": "tekken"}, "by the rules of tekken"),
        ({"llama.rope.scaling.type": "yarn"}, "scaled by the rule yarn"),
        ({"llama.expert_count": 8}, "mixture of experts"),
    ],
)
def test_features_that_are_not_built_are_unsupported(
    tmp_path: Path, change: dict[str, object], why: str
) -> None:
    _refused(tmp_path, SourceUnsupported, why, change=change)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    _refused(tmp_path, SourceDamaged, "missing", without=frozenset({"llama.block_count"}))
    template = frozenset({"tokenizer.chat_template"})
    _refused(tmp_path, SourceUnsupported, "no chat template", without=template)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda gguf: gguf.texts("llama.block_count"),
        lambda gguf: gguf.text("llama.block_count"),
        lambda gguf: gguf.flag("llama.block_count"),
        lambda gguf: gguf.integers("tokenizer.ggml.tokens"),
        lambda gguf: gguf.number("tokenizer.ggml.model"),
        lambda gguf: gguf.tensor("output_norm.weight", (3,)),
        lambda gguf: gguf.tensor("nothing", (3,)),
    ],
)
def test_a_value_of_another_type_is_damage(tiny: Path, wrong: Callable[[GgufFile], object]) -> None:
    with GgufFile(tiny) as gguf, pytest.raises(SourceDamaged):
        wrong(gguf)


def test_the_tiny_file_is_sound(tiny: Path) -> None:
    with GgufFile(tiny) as gguf:
        assert read_config(gguf).vocab == len(tokens())
    read_all(tiny)
