"""Files that claim absurd sizes are refused before anything of such a size is allocated."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_peer.models.errors import ModelError, SourceDamaged, SourceUnsupported
from gpu_peer.models.export import export_model
from gpu_peer.models.gguf_config import read_config
from gpu_peer.models.gguf_file import GgufFile
from gpu_peer.models.gguf_tokenizer import read_tokenizer
from tests.gpu_peer.models.tiny import CONTEXT, FAMILIES, write_tiny

LITTLE = 8 << 20  # bytes; the file itself has about 50 kB
SIZES = (
    "block_count",
    "context_length",
    "embedding_length",
    "feed_forward_length",
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.value_length",
    "attention.sliding_window",
    "rope.dimension_count",
    "expert_count",
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile") / "a.gguf"


def peak_of(step: Callable[[], object]) -> int:
    """Return the most bytes that `step` had allocated at once."""
    tracemalloc.start()
    try:
        step()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def read(path: Path) -> None:
    with GgufFile(path) as gguf:
        read_tokenizer(gguf, read_config(gguf).vocab)


@given(
    family=st.sampled_from(sorted(FAMILIES)),
    claims=st.dictionaries(
        st.sampled_from(SIZES),
        st.sampled_from([0, 1, 2**16, 2**20, 10**9, 2**32 - 1]) | st.integers(0, 2**32 - 1),
        min_size=1,
        max_size=3,
    ),
)
def test_absurd_sizes_never_cost_memory(scratch: Path, family: str, claims: dict[str, int]) -> None:
    architecture = FAMILIES[family].architecture
    change = {f"{architecture}.{key}": value for key, value in claims.items()}
    write_tiny(scratch, family=family, change=change)

    def attempt() -> None:
        try:
            read(scratch)
        except ModelError as error:
            assert str(error).startswith("a.gguf ")  # noqa: PT017

    assert peak_of(attempt) < LITTLE


@pytest.mark.parametrize(
    ("change", "error", "why"),
    [
        ({"context_length": 10**9}, SourceDamaged, "context_length is 1000000000"),
        ({"block_count": 10**9}, SourceDamaged, "block_count is 1000000000"),
        ({"block_count": 1000}, SourceDamaged, "blk.2.attn_norm.weight is missing"),
        ({"feed_forward_length": 2**20}, SourceDamaged, "ffn_gate.weight has shape"),
        ({"attention.head_count": 2**20}, SourceDamaged, "is 0"),
        ({"attention.key_length": 2**31}, SourceDamaged, "key_length is 2147483648"),
        ({"attention.value_length": 32}, SourceUnsupported, "values of 32"),
        ({"rope.dimension_count": 8}, SourceDamaged, "4 heads, 2 key heads of 8"),
        ({"rope.scaling.type": "linear", "rope.scaling.factor": 0.5}, SourceDamaged, "factor 0.5"),
        ({"attn_logit_softcapping": -1.0}, SourceDamaged, "softcapping is -1"),
    ],
)
def test_an_absurd_size_is_named(
    tmp_path: Path, change: dict[str, object], error: type[ModelError], why: str
) -> None:
    prefixed = {f"llama.{key}": value for key, value in change.items()}
    without = frozenset({"llama.rope.dimension_count"} if "attention.head_count" in change else {})
    path = write_tiny(tmp_path / "a.gguf", change=prefixed, without=without)
    with pytest.raises(error, match=why):
        read(path)


def test_positions_are_bounded_by_the_size_of_the_file(tmp_path: Path) -> None:
    """Rotary tables of a million positions belong to a file of gigabytes, not of kilobytes."""
    change = {
        "llama.context_length": 2**20,
        "llama.attention.key_length": 512,
        "llama.rope.dimension_count": 512,
    }
    path = write_tiny(tmp_path / "a.gguf", change=change)
    with pytest.raises(SourceDamaged, match="1048576 positions are claimed for heads of 512"):
        read(path)


def test_weights_that_the_graph_would_leave_out_are_refused(tmp_path: Path) -> None:
    """Biases in a family that has none: the answers would be wrong, so there are none."""
    path = write_tiny(tmp_path / "a.gguf", family="qwen2")
    content = path.read_bytes()
    assert content.count(b"qwen2") > 5
    # A network of biases that calls itself one without: same length, so offsets stay.
    path.write_bytes(content.replace(b"qwen2", b"qwen3"))
    with pytest.raises(SourceDamaged, match=r"attn_q_norm\.weight is missing"):
        read(path)
    path.write_bytes(content.replace(b"qwen2", b"llama"))
    with pytest.raises(SourceUnsupported, match=r"unknown use, such as blk\.0\.attn_k\.bias"):
        read(path)


def test_a_missing_tensor_is_noticed_before_anything_is_converted(tmp_path: Path) -> None:
    without = frozenset({"blk.1.ffn_down.weight"})
    path = write_tiny(tmp_path / "a.gguf", without=without)
    stages: list[str] = []
    with pytest.raises(SourceDamaged, match=r"blk\.1\.ffn_down\.weight is missing"):
        export_model(path, tmp_path, progress=lambda stage, *_: stages.append(stage))
    assert stages == []


def test_an_endless_piece_is_refused(tmp_path: Path) -> None:
    change = {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": ["a", "b", "c" * 100_000],
        "tokenizer.ggml.token_type": [1, 1, 1],
    }
    path = write_tiny(tmp_path / "a.gguf", change=change)
    with GgufFile(path) as gguf, pytest.raises(SourceDamaged, match="a token of 100000 characters"):
        read_tokenizer(gguf, 3)


def test_the_limits_let_the_tiny_networks_through(tmp_path: Path) -> None:
    for family in FAMILIES:
        path = write_tiny(tmp_path / f"{family}.gguf", family=family)
        with GgufFile(path) as gguf:
            assert read_config(gguf).context_length == CONTEXT
