"""Reads the shape of a network from `config.json` of a Hugging Face checkpoint.

Keys and their defaults are those of the `transformers` library, whose newer versions keep all of
the rotary positions in `rope_parameters`, and older ones in `rope_theta` and `rope_scaling`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from gpu_peer.models.config import (
    MAX_HEAD_DIM,
    MAX_LAYERS,
    MAX_POSITIONS,
    MAX_WIDTH,
    NetworkConfig,
    check_network,
)
from gpu_peer.models.errors import ArchitectureUnknown, SourceDamaged, SourceUnsupported
from gpu_peer.models.families import FAMILIES, Activation
from gpu_peer.models.json_file import JsonObject
from gpu_peer.models.rotary import Rotary, llama3_factors

_MAX_VOCAB = 1 << 22
_FULL, _LOCAL = "full_attention", "sliding_attention"
_ACTIVATIONS: dict[str, Activation] = {"silu": "silu", "gelu_pytorch_tanh": "gelu"}


@dataclass(frozen=True)
class _ModelType:
    """What a `model_type` means where `config.json` does not say.

    Attributes:
        architecture: Its family.
        head_dim: None: the width divided by the heads.
        tied: Whether the output matrix is the embedding.
        rope_theta: Base of the rotary frequencies.
        window: Positions of a sliding window; 0: there is none.
        attention_cap: Bound of the scores of attention.
        logit_cap: Bound of the logits.
    """

    architecture: str
    head_dim: int | None = None
    tied: bool = False
    rope_theta: float = 10_000.0
    window: int = 0
    attention_cap: float = 0.0
    logit_cap: float = 0.0


MODEL_TYPES = {
    "llama": _ModelType("llama"),
    "mistral": _ModelType("llama", window=4096),
    "qwen2": _ModelType("qwen2", window=4096),
    "qwen3": _ModelType("qwen3", head_dim=128, window=4096),
    "gemma2": _ModelType(
        "gemma2", head_dim=256, tied=True, window=4096, attention_cap=50.0, logit_cap=30.0
    ),
    "gemma3_text": _ModelType(
        "gemma3", head_dim=256, tied=True, rope_theta=1_000_000.0, window=4096
    ),
}
"""By `model_type` of `config.json`."""


def read_config(config: JsonObject, folder: Path, weight_bytes: int) -> NetworkConfig:
    """Return the sizes of the network in `folder`, whose weights have so many bytes.

    Raises:
        SourceDamaged: A size is missing, out of range, or contradicts another.
        ArchitectureUnknown: Another family.
        SourceUnsupported: A feature that the graph does not build.
    """
    model_type = config.text("model_type")
    defaults = MODEL_TYPES.get(model_type)
    if defaults is None:
        raise ArchitectureUnknown(folder, model_type)
    if "quantization_config" in config:
        raise SourceUnsupported(folder, "its weights are quantised already")
    if config.flag("use_bidirectional_attention", False):
        raise SourceUnsupported(folder, "it reads in both directions")
    family = FAMILIES[defaults.architecture]
    for key in ("hidden_act", "hidden_activation"):
        stated = config.text(key, "")
        # Gemma's first releases say `gelu` under the older key and mean what the newer one says.
        if key == "hidden_act" and ("hidden_activation" in config or not stated):
            continue
        if stated and _ACTIVATIONS.get(stated) != family.activation:
            raise SourceUnsupported(folder, f"its activation is {stated}")
    layers = _size(config, "num_hidden_layers", MAX_LAYERS)
    hidden = _size(config, "hidden_size", MAX_WIDTH)
    heads = _size(config, "num_attention_heads", MAX_WIDTH)
    default_head_dim = defaults.head_dim or hidden // heads
    head_dim = _size(config, "head_dim", MAX_HEAD_DIM, default_head_dim)
    scalar = float(head_dim)
    if "query_pre_attn_scalar" in config or family.scaled_embedding:
        scalar = config.number("query_pre_attn_scalar", 256.0)
    if scalar <= 0:
        raise SourceDamaged(config.path, f"query_pre_attn_scalar is {scalar}")
    local_layers = _local_layers(config, folder, model_type, layers)
    rotary, local_rotary = _rotaries(config, folder, defaults, head_dim)
    network = NetworkConfig(
        architecture=defaults.architecture,
        family=family,
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=_size(config, "num_key_value_heads", MAX_WIDTH, heads),
        head_dim=head_dim,
        intermediate=_size(config, "intermediate_size", MAX_WIDTH),
        vocab=_size(config, "vocab_size", _MAX_VOCAB),
        context_length=_size(config, "max_position_embeddings", MAX_POSITIONS),
        rotary=rotary,
        norm_epsilon=config.number("rms_norm_eps", 1e-6),
        tied_embedding=config.flag("tie_word_embeddings", defaults.tied),
        local_layers=local_layers,
        window=_window(config, defaults) if local_layers else 0,
        local_rotary=local_rotary,
        attention_scale=scalar**-0.5,
        attention_cap=_cap(config, "attn_logit_softcapping", defaults.attention_cap),
        logit_cap=_cap(config, "final_logit_softcapping", defaults.logit_cap),
    )
    check_network(network, config.path, weight_bytes)
    return network


def _local_layers(config: JsonObject, folder: Path, model_type: str, layers: int) -> frozenset[int]:
    """Return the numbers of the layers that have a sliding window."""
    if "layer_types" in config:
        kinds = config.items("layer_types")
        if len(kinds) != layers:
            raise SourceDamaged(config.path, f"{len(kinds)} kinds of layers for {layers} layers")
        unknown = [kind for kind in kinds if kind not in (_FULL, _LOCAL)]
        if unknown:
            raise SourceUnsupported(folder, f"it has layers of the kind {unknown[0]}")
        return frozenset(layer for layer, kind in enumerate(kinds) if kind == _LOCAL)
    every_layer = range(layers)
    if model_type == "mistral":
        # Null, unlike a missing key, means that there is no window.
        stated = config.content.get("sliding_window", MODEL_TYPES[model_type].window)
        return frozenset(every_layer if stated is not None else ())
    if model_type in ("qwen2", "qwen3"):
        if not config.flag("use_sliding_window", False):
            return frozenset()
        return frozenset(every_layer[max(config.integer("max_window_layers", 28), 0) :])
    every = FAMILIES[MODEL_TYPES[model_type].architecture].layers_per_global
    if model_type == "gemma3_text":
        every = _size(config, "sliding_window_pattern", MAX_LAYERS, every)
    return frozenset(layer for layer in every_layer if (layer + 1) % every)


def _window(config: JsonObject, defaults: _ModelType) -> int:
    return _size(config, "sliding_window", MAX_POSITIONS, defaults.window)


def _rotaries(
    config: JsonObject, folder: Path, defaults: _ModelType, head_dim: int
) -> tuple[Rotary, Rotary]:
    """Return the positions of layers that see everything, and of those with a window."""
    parameters = config.inner("rope_parameters")
    local_base = FAMILIES[defaults.architecture].local_rotary_base
    if _FULL in parameters:
        shared = _rotary(parameters.inner(_FULL), folder, defaults.rope_theta, head_dim)
        local = parameters.inner(_LOCAL)
        return shared, _rotary(local, folder, local_base or defaults.rope_theta, head_dim)
    theta = config.number("rope_theta", defaults.rope_theta)
    scaling = parameters if parameters.content else config.inner("rope_scaling")
    shared = _rotary(scaling, folder, theta, head_dim)
    if local_base is None:
        return shared, shared
    return shared, Rotary(config.number("rope_local_base_freq", local_base))


def _rotary(scaling: JsonObject, folder: Path, theta: float, head_dim: int) -> Rotary:
    rule = scaling.text("rope_type", scaling.text("type", "default"))
    if rule not in ("default", "linear", "llama3"):
        raise SourceUnsupported(folder, f"its rotary positions are scaled by the rule {rule}")
    if scaling.number("partial_rotary_factor", 1.0) != 1:
        raise SourceUnsupported(folder, "only a part of each head is turned")
    base = scaling.number("rope_theta", theta)
    if base <= 1:
        raise SourceDamaged(scaling.path, f"rope_theta is {base}")
    if rule == "default":
        return Rotary(base)
    factor = scaling.number("factor")
    if rule == "linear":
        return Rotary(base, factor)
    low, high = scaling.number("low_freq_factor"), scaling.number("high_freq_factor")
    trained = _size(scaling, "original_max_position_embeddings", MAX_POSITIONS)
    if factor < 1 or not 0 < low < high or not math.isfinite(high / low):
        raise SourceDamaged(scaling.path, f"rotary factors {factor}, {low} and {high}")
    return Rotary(base, 1.0, llama3_factors(base, head_dim, factor, (low, high), trained))


def _cap(config: JsonObject, key: str, default: float) -> float:
    # Null, unlike a missing key, means that there is no bound.
    cap = config.number(key, 0.0) if key in config.content else default
    if cap < 0:
        raise SourceDamaged(config.path, f"{key} is {cap}")
    return cap


def _size(config: JsonObject, key: str, limit: int, default: int | None = None) -> int:
    value = config.integer(key, default)
    if not 0 < value <= limit:
        raise SourceDamaged(config.path, f"{key} is {value}")
    return value
