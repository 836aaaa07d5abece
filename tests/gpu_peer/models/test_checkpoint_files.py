"""What a checkpoint's files may say: taken over, or refused with a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from gpu_peer.models.checkpoint_source import CheckpointSource
from gpu_peer.models.errors import ModelError, SourceDamaged, SourceUnsupported
from gpu_peer.models.export import export_model
from gpu_peer.models.folder import read_manifest, verify_folder
from gpu_peer.models.sources import model_name
from gpu_peer.models.store import ensure_model
from tests.gpu_peer.models.checkpoint import (
    tensors_of,
    write_checkpoint,
    write_json,
    write_safetensors,
)
from tests.gpu_peer.models.tiny import SPECIAL, TEMPLATE, tokens, write_tiny

SETTINGS = {"eos_token": "<|im_end|>", "chat_template": TEMPLATE}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "Tiny-1.5B", write_tiny(tmp_path / "a.gguf"), "llama")


def change(path: Path, **keys: Any) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    content.update(keys)
    write_json(path, {key: value for key, value in content.items() if value is not ...})


def tokenizer_of(folder: Path) -> Any:
    with CheckpointSource(folder) as source:
        return source.tokenizer


def test_tokenizer_json_is_taken_as_it_is(checkpoint: Path) -> None:
    change(checkpoint / "tokenizer_config.json", model_max_length=int(1e30))  # as transformers
    change(checkpoint / "tokenizer.json", post_processor={"type": "ByteLevel", "x": [1.5, None]})
    stated = json.loads((checkpoint / "tokenizer.json").read_text(encoding="utf-8"))
    made = tokenizer_of(checkpoint)
    assert made.json == stated
    assert (made.bos_token, made.eos_token) == (None, "<|im_end|>")


def test_every_file_may_name_tokens_that_end_an_answer(checkpoint: Path) -> None:
    change(checkpoint / "config.json", eos_token_id=[9, 11])
    write_json(checkpoint / "generation_config.json", {"eos_token_id": 17})
    write_json(checkpoint / "tokenizer_config.json", {**SETTINGS, "bos_token": "<|im_start|>"})
    made = tokenizer_of(checkpoint)
    # 0 is <|endoftext|>, which ends a turn by its name, and 2 is the eos_token.
    assert made.stop_token_ids == [0, 2, 9, 11, 17]
    assert made.bos_token == "<|im_start|>"
    (checkpoint / "generation_config.json").unlink()
    change(checkpoint / "config.json", eos_token_id=...)
    assert tokenizer_of(checkpoint).stop_token_ids == [0, 2]


def test_a_template_in_a_file_of_its_own_wins(checkpoint: Path) -> None:
    assert tokenizer_of(checkpoint).chat_template == TEMPLATE
    several = [{"name": "tool_use", "template": "no"}, {"name": "default", "template": "yes"}]
    write_json(checkpoint / "tokenizer_config.json", {**SETTINGS, "chat_template": several})
    assert tokenizer_of(checkpoint).chat_template == "yes"
    (checkpoint / "chat_template.jinja").write_bytes("сам\r\n".encode())
    assert tokenizer_of(checkpoint).chat_template == "сам\r\n"


def test_tokens_that_the_network_has_no_row_for_are_left_out(checkpoint: Path) -> None:
    stated = json.loads((checkpoint / "tokenizer.json").read_text(encoding="utf-8"))
    picture = {**stated["added_tokens"][0], "id": len(tokens()), "content": "<picture>"}
    change(checkpoint / "tokenizer.json", added_tokens=[*stated["added_tokens"], picture])
    made = tokenizer_of(checkpoint)
    assert [token["content"] for token in made.json["added_tokens"]] == SPECIAL
    assert Tokenizer.from_str(json.dumps(made.json)).token_to_id("<picture>") is None


@pytest.mark.parametrize(
    ("keys", "error", "why"),
    [
        ({"model_type": "bert"}, SourceUnsupported, "its architecture is bert"),
        ({"model_type": ...}, SourceDamaged, "model_type is missing"),
        ({"model_type": ["llama"]}, SourceDamaged, "model_type is not a text"),
        ({"quantization_config": {"bits": 4}}, SourceUnsupported, "quantised already"),
        ({"hidden_act": "relu"}, SourceUnsupported, "its activation is relu"),
        ({"hidden_size": ...}, SourceDamaged, "hidden_size is missing"),
        ({"hidden_size": "64"}, SourceDamaged, "not a whole number"),
        ({"hidden_size": True}, SourceDamaged, "not a whole number"),
        ({"hidden_size": 2**40}, SourceDamaged, "hidden_size is 1099511627776"),
        ({"num_hidden_layers": 10**9}, SourceDamaged, "num_hidden_layers is 10+"),
        ({"num_hidden_layers": 3}, SourceDamaged, r"model\.layers\.2\.\S+ is missing"),
        ({"num_hidden_layers": 1}, SourceUnsupported, r"unknown use, such as model\.layers\.1"),
        ({"num_attention_heads": 0}, SourceDamaged, "num_attention_heads is 0"),
        ({"num_key_value_heads": 3}, SourceDamaged, "4 heads, 3 key heads"),
        ({"vocab_size": 10**9}, SourceDamaged, "vocab_size is 10+"),
        ({"vocab_size": 263}, SourceDamaged, "has shape"),
        ({"max_position_embeddings": 10**9}, SourceDamaged, "max_position_embeddings is 10+"),
        ({"max_position_embeddings": 2**20, "head_dim": 512}, SourceDamaged, "are claimed"),
        ({"rms_norm_eps": 2}, SourceDamaged, "norm epsilon 2"),
        ({"rope_theta": 0.5}, SourceDamaged, "rope_theta is 0.5"),
        ({"rope_scaling": {"type": "yarn"}}, SourceUnsupported, "by the rule yarn"),
        ({"rope_scaling": [1]}, SourceDamaged, "rope_scaling is not an object"),
        ({"rope_scaling": {"rope_type": "linear", "factor": 0.1}}, SourceDamaged, "factor 0.1"),
        ({"rope_scaling": {"rope_type": "llama3"}}, SourceDamaged, "factor is missing"),
        (
            {"rope_parameters": {"rope_theta": 10.0, "partial_rotary_factor": 0.5}},
            SourceUnsupported,
            "part of each head",
        ),
        ({"tie_word_embeddings": False}, SourceDamaged, r"lm_head\.weight is missing"),
        ({"layer_types": ["full_attention"]}, SourceDamaged, "1 kinds of layers for 2"),
        ({"layer_types": ["full_attention", "mamba"]}, SourceUnsupported, "of the kind mamba"),
        ({"layer_types": [["x"], {}]}, SourceUnsupported, "of the kind"),
        ({"eos_token_id": 10**6}, SourceDamaged, "eos_token_id is 1000000"),
    ],
)
def test_a_config_that_cannot_be_is_named(
    checkpoint: Path, keys: dict[str, Any], error: type[ModelError], why: str
) -> None:
    change(checkpoint / "config.json", **keys)
    with pytest.raises(error, match=why):
        CheckpointSource(checkpoint)


def _without_tokens(content: Any) -> Any:
    return {**content, "model": {**content["model"], "vocab": {}}}


def _with_token(name: str, number: Any) -> Callable[[Any], Any]:
    return lambda content: {
        **content,
        "model": {**content["model"], "vocab": {**content["model"]["vocab"], name: number}},
    }


@pytest.mark.parametrize(
    ("changed", "error", "why"),
    [
        (lambda content: {**content, "model": None}, SourceDamaged, "no tokens"),
        (lambda content: {**content, "model": {"type": "WordPiece"}}, SourceUnsupported, "Word"),
        (_without_tokens, SourceDamaged, "no tokens"),
        (_with_token("x" * 3, 10**6), SourceDamaged, "is not one of 264"),
        (_with_token("xxx", -1), SourceDamaged, "is not one of 264"),
        (_with_token("xxx", "1"), SourceDamaged, "is not one of 264"),
        (_with_token("xxx", 5), SourceDamaged, "the same number"),
        (lambda content: {**content, "added_tokens": [{"id": 1}]}, SourceDamaged, "list of tokens"),
        (lambda content: {**content, "added_tokens": 7}, SourceDamaged, "not a list"),
        (lambda content: [content], SourceDamaged, "not a JSON object"),
    ],
)
def test_a_tokenizer_that_cannot_be_is_named(
    checkpoint: Path, changed: Callable[[Any], Any], error: type[ModelError], why: str
) -> None:
    path = checkpoint / "tokenizer.json"
    write_json(path, changed(json.loads(path.read_text(encoding="utf-8"))))
    with pytest.raises(error, match=why):
        CheckpointSource(checkpoint)


@pytest.mark.parametrize(
    ("settings", "error", "why"),
    [
        ({"chat_template": TEMPLATE}, SourceDamaged, "eos_token is missing"),
        ({**SETTINGS, "eos_token": "<nothing>"}, SourceDamaged, "which is no token"),
        ({**SETTINGS, "eos_token": {}}, SourceDamaged, "content is missing"),
        ({**SETTINGS, "chat_template": ...}, SourceUnsupported, "no chat template"),
        ({**SETTINGS, "chat_template": [{"name": "rag"}]}, SourceUnsupported, "no chat template"),
        ({**SETTINGS, "chat_template": "x" * 2_000_000}, SourceDamaged, "more than 1048576"),
    ],
)
def test_settings_that_cannot_be_are_named(
    checkpoint: Path, settings: dict[str, Any], error: type[ModelError], why: str
) -> None:
    stated = {key: value for key, value in settings.items() if value is not ...}
    write_json(checkpoint / "tokenizer_config.json", stated)
    with pytest.raises(error, match=why):
        CheckpointSource(checkpoint)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("config.json", SourceUnsupported),
        ("model.safetensors", SourceDamaged),
        ("tokenizer.json", SourceUnsupported),
        ("tokenizer_config.json", SourceDamaged),
    ],
)
def test_a_missing_file_is_named(
    checkpoint: Path, tmp_path: Path, name: str, error: type[ModelError]
) -> None:
    (checkpoint / name).unlink()
    with pytest.raises(error, match=name.replace(".", r"\.")):
        ensure_model(checkpoint, tmp_path / "models")
    assert not list((tmp_path / "models").glob("Tiny*"))


@pytest.mark.parametrize("where", ["../out.safetensors", "/etc/passwd", "a\\b.safetensors", 7])
def test_a_shard_outside_of_the_folder_is_refused(checkpoint: Path, where: object) -> None:
    (checkpoint / "model.safetensors").rename(checkpoint.parent / "out.safetensors")
    index = {"weight_map": {"model.norm.weight": where}}
    write_json(checkpoint / "model.safetensors.index.json", index)
    with pytest.raises(SourceDamaged, match=r"model\.norm\.weight is said to be in"):
        CheckpointSource(checkpoint)


def test_an_index_that_does_not_fit_its_shards_is_damage(checkpoint: Path) -> None:
    index = checkpoint / "model.safetensors.index.json"
    write_json(index, {"weight_map": {"nothing": "model.safetensors"}})
    with pytest.raises(SourceDamaged, match="the tensor nothing is missing"):
        CheckpointSource(checkpoint)
    write_json(index, {"weight_map": {"model.norm.weight": "model.safetensors"}})
    with pytest.raises(SourceDamaged, match="it names 1 of 20 tensors"):
        CheckpointSource(checkpoint)


def test_other_element_types_are_unsupported(tmp_path: Path) -> None:
    twin = write_tiny(tmp_path / "a.gguf")
    folder = write_checkpoint(tmp_path / "a", twin, "llama", dtype="F64")
    with pytest.raises(SourceUnsupported, match="weights stored as F64"):
        CheckpointSource(folder)


def test_values_that_are_not_finite_are_damage(checkpoint: Path, tmp_path: Path) -> None:
    path = checkpoint / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\x80\x7f")
    with pytest.raises(SourceDamaged, match="not finite"):
        export_model(checkpoint, tmp_path)


def test_a_checkpoint_is_converted_once_and_again_when_a_file_changes(
    checkpoint: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    folder = ensure_model(checkpoint, models)
    assert folder.name.startswith("Tiny-1.5B-")
    verify_folder(folder)
    assert read_manifest(folder)["source"]["file"] == "Tiny-1.5B"
    made = (folder / "hearth.json").stat().st_mtime_ns
    assert ensure_model(checkpoint, models) == folder
    assert (folder / "hearth.json").stat().st_mtime_ns == made
    (checkpoint / "README.md").write_text("Not read.")
    assert ensure_model(checkpoint, models) == folder
    (checkpoint / "chat_template.jinja").write_text("{{ messages }}")
    other = ensure_model(checkpoint, models)
    assert other != folder
    assert (other / "chat_template.jinja").read_text() == "{{ messages }}"


def test_the_cache_of_hugging_face_is_read_and_named(checkpoint: Path, tmp_path: Path) -> None:
    """It keeps links to files that lie elsewhere, in folders named by a commit."""
    snapshot = tmp_path / "models--someone--Tiny-Chat" / "snapshots" / ("0f" * 20)
    snapshot.mkdir(parents=True)
    for file in checkpoint.iterdir():
        (snapshot / file.name).symlink_to(file)
    assert model_name(snapshot) == "Tiny-Chat"
    with CheckpointSource(snapshot) as source:
        assert source.config.layers == 2


def test_what_follows_from_the_config_is_not_needed(checkpoint: Path, tmp_path: Path) -> None:
    """Old checkpoints store frequencies; some with a tied embedding store it twice."""
    tensors = tensors_of(tmp_path / "a.gguf", "llama")
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"]
    tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = tensors["model.norm.weight"][:8]
    write_safetensors(checkpoint / "model.safetensors", tensors)
    with CheckpointSource(checkpoint) as source:
        assert source.config.tied_embedding
