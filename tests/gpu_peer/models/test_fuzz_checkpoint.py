"""Hostile checkpoints: read, or refused in a sentence, for little memory and time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gpu_peer.models.checkpoint_source import CheckpointSource
from gpu_peer.models.export import export_model
from tests.gpu_peer.models.bounded import read_or_refused
from tests.gpu_peer.models.checkpoint import CONFIGS, twin_of, write_checkpoint, write_json
from tests.gpu_peer.models.hostile_json import JSON, SCALARS
from tests.gpu_peer.models.tiny import write_tiny


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("checkpoints")
    made = {}
    for family in CONFIGS:
        twin = write_tiny(folder / f"{family}.gguf", family=twin_of(family))
        made[family] = write_checkpoint(folder / family, twin, family)
    return made


KEYS = sorted({key for config in CONFIGS.values() for key in config})
KEYS += ["hidden_size", "num_hidden_layers", "num_attention_heads", "head_dim", "vocab_size"]
KEYS += ["rope_parameters", "rope_theta", "layer_types", "eos_token_id", "num_key_value_heads"]
KEYS += ["max_position_embeddings", "rms_norm_eps", "sliding_window_pattern", "max_window_layers"]
ROPE = st.dictionaries(
    st.sampled_from(
        [
            "rope_type",
            "rope_theta",
            "factor",
            "low_freq_factor",
            "high_freq_factor",
            "original_max_position_embeddings",
            "full_attention",
            "sliding_attention",
        ]
    ),
    SCALARS | st.sampled_from([1e-300, 1e300, 5, 2**40]),
    max_size=6,
)


@given(
    family=st.sampled_from(sorted(CONFIGS)),
    change=st.dictionaries(st.sampled_from(KEYS), JSON | ROPE, min_size=1, max_size=3),
)
@example(family="llama", change={"rope_theta": 1e308, "rope_scaling": {"type": "linear"}})
@example(family="gemma2", change={"query_pre_attn_scalar": 1e-320})
@example(
    family="llama3",
    change={
        "rope_scaling": {
            "rope_type": "llama3",
            "factor": 1e308,
            "low_freq_factor": 1e-308,
            "high_freq_factor": 1e308,
            "original_max_position_embeddings": 5,
        }
    },
)
def test_any_config(checkpoints: dict[str, Path], family: str, change: dict[str, Any]) -> None:
    folder = checkpoints[family]
    path = folder / "config.json"
    whole = path.read_text(encoding="utf-8")
    try:
        path.write_text(json.dumps({**json.loads(whole), **change}), encoding="utf-8")

        def read() -> None:
            with CheckpointSource(folder):
                pass

        read_or_refused(read)
    finally:
        path.write_text(whole, encoding="utf-8")


@given(
    name=st.sampled_from(
        [
            "tokenizer.json",
            "tokenizer_config.json",
            "generation_config.json",
            "model.safetensors.index.json",
        ]
    ),
    keys=st.lists(
        st.sampled_from(
            [
                "added_tokens",
                "model",
                "decoder",
                "eos_token",
                "bos_token",
                "chat_template",
                "eos_token_id",
                "weight_map",
            ]
        ),
        min_size=1,
        max_size=2,
    ),
    value=JSON | st.dictionaries(st.text(max_size=300), st.text(max_size=300), max_size=2),
)
@example(name="tokenizer.json", keys=["decoder"], value="\ud800")
@example(name="tokenizer_config.json", keys=["chat_template"], value="\udfff")
@example(name="model.safetensors.index.json", keys=["weight_map"], value={"a": "x" * 5000})
@example(
    name="model.safetensors.index.json",
    keys=["weight_map"],
    value={"a": "x" * 5000 + ".safetensors"},
)
def test_any_other_file(
    checkpoints: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    keys: list[str],
    value: Any,
) -> None:
    """To the end: what was read must also be possible to write."""
    folder = checkpoints["llama"]
    path = folder / name
    whole = path.read_text(encoding="utf-8") if path.exists() else None
    made = tmp_path_factory.mktemp("made")
    try:
        content = json.loads(whole or "{}")
        write_raw(path, {**content, **dict.fromkeys(keys, value)})
        read_or_refused(lambda: export_model(folder, made))
    finally:
        path.unlink() if whole is None else path.write_text(whole, encoding="utf-8")


@pytest.mark.parametrize("depth", [10, 300, 900, 990, 5_000])
def test_nesting_is_copied_or_refused(
    checkpoints: dict[str, Path], tmp_path: Path, depth: int
) -> None:
    path = checkpoints["qwen2"] / "tokenizer.json"
    whole = path.read_text(encoding="utf-8")
    try:
        inner = '{"a":[' * (depth // 2) + "]}" * (depth // 2)
        path.write_text(f'{{"x":{inner},{whole[1:]}', encoding="utf-8")
        refusal = read_or_refused(lambda: export_model(checkpoints["qwen2"], tmp_path))
        assert (refusal is None) == (depth < 990)
    finally:
        path.write_text(whole, encoding="utf-8")


def write_raw(path: Path, content: Any) -> None:
    """As JSON in ASCII, which can say what UTF-8 cannot."""
    path.write_text(json.dumps(content), encoding="utf-8")


def test_a_very_long_name_is_a_sentence(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    write_json(tmp_path / "config.json", {})
    index = {"weight_map": {"a": "x" * 5_000 + ".safetensors"}}
    write_json(tmp_path / "model.safetensors.index.json", index)
    refusal = read_or_refused(lambda: CheckpointSource(tmp_path))
    assert refusal is not None
