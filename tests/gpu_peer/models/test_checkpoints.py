"""Hugging Face checkpoints: the same answers as the same network in a GGUF."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGMLQuantizationType

from gpu_peer.models.checkpoint_config import MODEL_TYPES
from gpu_peer.models.checkpoint_source import CheckpointSource
from gpu_peer.models.export import ExportOptions, export_model
from gpu_peer.models.folder import verify_folder
from tests.gpu_peer.models.checkpoint import (
    CONFIGS,
    stored_as,
    tensors_of,
    twin_of,
    write_checkpoint,
)
from tests.gpu_peer.models.in_place import InPlace
from tests.gpu_peer.models.reference import EXACT, Reference
from tests.gpu_peer.models.tiny import (
    CONTEXT,
    FAMILIES,
    HEAD_DIM,
    LLAMA3,
    ROPE_BASE,
    WINDOW,
    write_tiny,
)

PROMPT = [5, 77, 130, 9, 201, 33, 64, 12, 250, 101, 3]  # longer than the window
ANSWER = [40, 7, 199, 88, 88, 2]
Q8_0, F32 = GGMLQuantizationType.Q8_0, GGMLQuantizationType.F32


@pytest.fixture(params=CONFIGS)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def gguf(tmp_path: Path, family: str, **tiny: Any) -> Path:
    return write_tiny(tmp_path / "tiny.gguf", family=twin_of(family), **{"kind": Q8_0, **tiny})


def export(source: Path, folder: Path) -> InPlace:
    folder.mkdir()
    export_model(source, folder, ExportOptions(accuracy_level=0))
    verify_folder(folder)
    return InPlace(folder, CONTEXT)


def reference_of(twin: Path, family: str) -> Reference:
    reference = Reference.load(twin)
    if family == "mistral":  # GGUF files do not know of its window
        reference.config = replace(reference.config, window=WINDOW)
        reference.windowed = frozenset(range(reference.config.layers))
    return reference


def test_every_model_type_has_a_tiny_network() -> None:
    assert {config["model_type"] for config in CONFIGS.values()} == set(MODEL_TYPES)


def test_prefill_decode_and_decode_after_a_rewind(tmp_path: Path, family: str) -> None:
    """Against numpy, on weights that int8 blocks can hold."""
    twin = gguf(tmp_path, family)
    model = export(write_checkpoint(tmp_path / "tiny", twin, family), tmp_path / "folder")
    expected = reference_of(twin, family).forced(PROMPT, ANSWER)
    assert np.abs(expected).max() > 0.5

    def decoded() -> np.ndarray:
        return np.stack([model.append([token]) for token in ANSWER[:-1]])

    assert np.abs(model.append(PROMPT) - expected[0]).max() < EXACT
    assert np.abs(decoded() - expected[1:]).max() < EXACT
    model.lengths[0] = len(PROMPT)
    model.append([250, 251, 252, 253])
    model.lengths[0] = len(PROMPT)
    assert np.abs(decoded() - expected[1:]).max() < EXACT


@pytest.mark.parametrize("family", sorted(CONFIGS.keys() & FAMILIES.keys()))
@pytest.mark.parametrize("own_output", [False, True])
def test_the_same_network_in_a_gguf_gives_the_same_logits(
    tmp_path: Path, family: str, own_output: bool
) -> None:
    """Any float32 weights: both are rounded to int8 in the same way."""
    twin = gguf(tmp_path, family, kind=F32, kinds={"token_embd.weight": F32}, own_output=own_output)
    tied = {"tie_word_embeddings": not own_output}
    source = write_checkpoint(tmp_path / "tiny", twin, family, config=tied)
    one, other = export(twin, tmp_path / "one"), export(source, tmp_path / "other")
    for piece in (PROMPT, *([token] for token in ANSWER)):
        logits = one.append(piece)
        assert np.abs(logits).max() > 0.5
        # A GGUF has the factors of Llama 3 as float32, a checkpoint what they follow from.
        limit = EXACT if family == "llama3" else 0
        assert np.abs(other.append(piece) - logits).max() <= limit


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_every_float_type_is_read_exactly(tmp_path: Path, dtype: str) -> None:
    twin = gguf(tmp_path, "llama", kind=F32)
    source = write_checkpoint(tmp_path / "tiny", twin, "llama", dtype=dtype)
    name = "blk.1.ffn_down.weight"
    true = tensors_of(twin, "llama")["model.layers.1.mlp.down_proj.weight"]
    with CheckpointSource(source) as opened:
        values = opened.tensor(name, true.shape)
    assert stored_as(values, dtype) == stored_as(true, dtype)
    assert np.abs(values - true).max() <= np.abs(true).max() / 128


def test_shards_are_one_model(tmp_path: Path) -> None:
    twin = gguf(tmp_path, "qwen3")
    export(write_checkpoint(tmp_path / "one", twin, "qwen3"), tmp_path / "a")
    export(write_checkpoint(tmp_path / "three", twin, "qwen3", shards=3), tmp_path / "b")
    for name in ("model.onnx", "model.onnx.data"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


_LLAMA3 = {"rope_theta": ROPE_BASE, "rope_type": "llama3", **LLAMA3}
_BY_LAYER = {
    "full_attention": {"rope_theta": ROPE_BASE, "rope_type": "linear", "factor": 2.0},
    "sliding_attention": {"rope_theta": 10_000.0, "rope_type": "default"},
}
_SIX = [*["sliding_attention"] * 5, "full_attention"]


@pytest.mark.parametrize(
    ("family", "change"),
    [
        ("llama", {"rope_theta": ..., "rope_parameters": {"rope_theta": ROPE_BASE}}),
        ("llama3", {"rope_theta": ..., "rope_scaling": ..., "rope_parameters": _LLAMA3}),
        (
            "gemma3",
            {
                "rope_theta": ...,
                "rope_scaling": ...,
                "rope_local_base_freq": ...,
                "rope_parameters": _BY_LAYER,
                "layer_types": _SIX,
            },
        ),
        ("gemma2", {"layer_types": ["sliding_attention", "full_attention"]}),
        ("gemma2", {"tie_word_embeddings": ...}),
        ("gemma3", {"sliding_window_pattern": 6}),
        ("mistral", {"layer_types": ["sliding_attention"] * 2}),
        ("qwen2", {"sliding_window": None}),
        ("qwen2", {"use_sliding_window": True, "sliding_window": 5, "max_window_layers": 2}),
        ("llama", {"head_dim": ..., "hidden_act": ...}),
    ],
)
def test_other_ways_to_say_the_same(tmp_path: Path, family: str, change: dict[str, Any]) -> None:
    twin = gguf(tmp_path, family)
    one = write_checkpoint(tmp_path / "one", twin, family)
    other = write_checkpoint(tmp_path / "other", twin, family, config=change)
    with CheckpointSource(one) as a, CheckpointSource(other) as b:
        assert b.config == a.config


@pytest.mark.parametrize(
    ("family", "change", "attribute", "expected"),
    [
        ("mistral", {"sliding_window": None}, "local_layers", frozenset()),
        ("mistral", {"sliding_window": ...}, "window", 4096),
        ("qwen2", {"use_sliding_window": True, "max_window_layers": 1}, "local_layers", {1}),
        ("gemma2", {"query_pre_attn_scalar": 64}, "attention_scale", 1 / 8),
        ("gemma2", {"query_pre_attn_scalar": ...}, "attention_scale", 1 / 16),
        ("gemma2", {"attn_logit_softcapping": None}, "attention_cap", 0.0),
        ("gemma2", {"attn_logit_softcapping": ...}, "attention_cap", 50.0),
        ("llama", {"query_pre_attn_scalar": ...}, "attention_scale", HEAD_DIM**-0.5),
        ("llama", {"num_key_value_heads": 2}, "kv_heads", 2),
    ],
)
def test_what_a_key_means(
    tmp_path: Path, family: str, change: dict[str, Any], attribute: str, expected: object
) -> None:
    twin = gguf(tmp_path, family)
    with CheckpointSource(write_checkpoint(tmp_path / "a", twin, family, config=change)) as source:
        assert getattr(source.config, attribute) == expected
