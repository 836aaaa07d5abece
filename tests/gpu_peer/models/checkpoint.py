"""Writes the tiny networks as Hugging Face checkpoints, by hand and from the format's own words."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gpu_peer.models.gguf_file import GgufFile
from gpu_peer.models.gguf_tokenizer import read_tokenizer
from tests.gpu_peer.models.reference import Array, Reference
from tests.gpu_peer.models.tiny import (
    CONTEXT,
    FAMILIES,
    HEAD_DIM,
    HEADS,
    HIDDEN,
    KV_HEADS,
    LLAMA3,
    ROPE_BASE,
    TEMPLATE,
    WIDE,
    WINDOW,
    tokens,
)

_COMMON: dict[str, Any] = {
    "hidden_size": HIDDEN,
    "intermediate_size": WIDE,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KV_HEADS,
    "head_dim": HEAD_DIM,
    "max_position_embeddings": CONTEXT,
    "rms_norm_eps": 1e-5,
    "rope_theta": ROPE_BASE,
    "tie_word_embeddings": True,
    "eos_token_id": [2],
}
_SILU = {"hidden_act": "silu"}
_GELU = {"hidden_activation": "gelu_pytorch_tanh", "query_pre_attn_scalar": HEAD_DIM}
CONFIGS: dict[str, dict[str, Any]] = {
    "llama": {"model_type": "llama", **_SILU},
    "llama3": {"model_type": "llama", "rope_scaling": {"rope_type": "llama3", **LLAMA3}, **_SILU},
    "linear": {"model_type": "llama", "rope_scaling": {"type": "linear", "factor": 4.0}, **_SILU},
    "mistral": {"model_type": "mistral", "sliding_window": WINDOW, **_SILU},
    "qwen2": {"model_type": "qwen2", "use_sliding_window": False, **_SILU},
    "qwen3": {"model_type": "qwen3", "use_sliding_window": False, **_SILU},
    "gemma2": {
        "model_type": "gemma2",
        "sliding_window": WINDOW,
        "attn_logit_softcapping": 3.0,
        "final_logit_softcapping": 2.0,
        **_GELU,
    },
    "gemma3": {
        "model_type": "gemma3_text",
        "sliding_window": WINDOW,
        "rope_scaling": {"rope_type": "linear", "factor": 2.0},
        "rope_local_base_freq": 10_000.0,
        **_GELU,
    },
}
"""`config.json` of each tiny network, less what all share."""

_BLOCK = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_LLAMA = {"ffn_norm": "post_attention_layernorm"}
_GEMMA = {
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}
_OUTER = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}


def twin_of(family: str) -> str:
    """The tiny GGUF of the same network."""
    return "llama" if family == "mistral" else family


def write_checkpoint(
    folder: Path,
    twin: Path,
    family: str,
    *,
    dtype: str = "F32",
    shards: int = 1,
    config: Mapping[str, Any] | None = None,
) -> Path:
    """Write the network of the GGUF `twin`; in `config` are changes, `...` leaves a key out."""
    folder.mkdir()
    weights = tensors_of(twin, family)
    content = {
        **_COMMON,
        "vocab_size": len(tokens()),
        "num_hidden_layers": FAMILIES[twin_of(family)].layers,
        **CONFIGS[family],
        **(config or {}),
    }
    content = {key: value for key, value in content.items() if value is not ...}
    write_json(folder / "config.json", content)
    with GgufFile(twin) as gguf:
        write_json(folder / "tokenizer.json", read_tokenizer(gguf, len(tokens())).json)
    settings = {"eos_token": {"content": "<|im_end|>"}, "chat_template": TEMPLATE}
    write_json(folder / "tokenizer_config.json", settings)
    write_json(folder / "generation_config.json", {"eos_token_id": 2})
    if shards == 1:
        write_safetensors(folder / "model.safetensors", weights, dtype)
        return folder
    names = [f"model-{i + 1:05}-of-{shards:05}.safetensors" for i in range(shards)]
    places = {name: names[i % shards] for i, name in enumerate(weights)}
    for shard in names:
        part = {name: weights[name] for name in weights if places[name] == shard}
        write_safetensors(folder / shard, part, dtype)
    index = {"metadata": {"total_size": 0}, "weight_map": places}
    write_json(folder / "model.safetensors.index.json", index)
    return folder


def tensors_of(twin: Path, family: str) -> dict[str, Array]:
    """The weights of the GGUF `twin` as a checkpoint has them."""
    gemma = family.startswith("gemma")
    result = {}
    for name, values in Reference.load(twin, dtype=np.float32).weights.items():
        if name == "rope_freqs.weight":
            continue
        if twin_of(family) in ("llama", "llama3", "linear") and "attn_q.w" in name:
            values = _halves(values, HEADS)
        if twin_of(family) in ("llama", "llama3", "linear") and "attn_k.w" in name:
            values = _halves(values, KV_HEADS)
        if gemma and name.endswith("norm.weight"):
            values = values - np.float32(1)
        if name in _OUTER:
            result[_OUTER[name]] = values
        else:
            _, layer, part, kind = name.split(".")
            theirs = (_BLOCK | (_GEMMA if gemma else _LLAMA))[part]
            result[f"model.layers.{layer}.{theirs}.{kind}"] = values
    return result


def _halves(matrix: Array, heads: int) -> Array:
    """Of each head first the even rows, then the odd ones: llama.cpp's permutation undone."""
    parts = [np.concatenate([head[0::2], head[1::2]]) for head in np.split(matrix, heads)]
    return np.concatenate(parts)


def stored_as(values: Array, dtype: str) -> bytes:
    """The bytes of float32 values in another type; bfloat16 by cutting off."""
    if dtype == "BF16":
        return (np.ascontiguousarray(values).view("<u4") >> 16).astype("<u2").tobytes()
    return values.astype({"F32": "<f4", "F16": "<f2", "F64": "<f8"}[dtype]).tobytes()


def write_safetensors(path: Path, tensors: Mapping[str, Array], dtype: str = "F32") -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, values in tensors.items():
        raw = stored_as(values, dtype)
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": dtype, "shape": list(values.shape), "data_offsets": offsets}
        data += raw
    path.write_bytes(framed(header, data))


def framed(header: Any, data: bytes) -> bytes:
    """A header, as an object or as bytes, and the data behind it."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
