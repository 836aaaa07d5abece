"""Reads the shape of a network from GGUF metadata."""

from __future__ import annotations

from gpu_peer.models.config import (
    MAX_HEAD_DIM,
    MAX_LAYERS,
    MAX_POSITIONS,
    MAX_WIDTH,
    NetworkConfig,
    check_network,
    expected_tensors,
)
from gpu_peer.models.errors import ArchitectureUnknown, SourceDamaged, SourceUnsupported
from gpu_peer.models.families import FAMILIES, Family
from gpu_peer.models.gguf_file import GgufFile
from gpu_peer.models.rotary import Rotary

_ROPE_FACTORS = "rope_freqs.weight"


def read_config(gguf: GgufFile) -> NetworkConfig:
    """Return the sizes of the network in `gguf`.

    Raises:
        SourceDamaged: A size or tensor is missing, out of range, or contradicts another.
        ArchitectureUnknown: Another family.
        SourceUnsupported: A feature that the graph does not build.
    """
    architecture = gguf.text("general.architecture")
    family = FAMILIES.get(architecture)
    if family is None:
        raise ArchitectureUnknown(gguf.path, architecture)
    if gguf.integer(f"{architecture}.expert_count", 0):
        raise SourceUnsupported(gguf.path, "it is a mixture of experts")
    layers = _size(gguf, f"{architecture}.block_count", MAX_LAYERS)
    hidden = _size(gguf, f"{architecture}.embedding_length", MAX_WIDTH)
    heads = _size(gguf, f"{architecture}.attention.head_count", MAX_WIDTH)
    head_dim = _head_dim(gguf, architecture, hidden, heads)
    embedding = gguf.tensors.get("token_embd.weight")
    if embedding is None or embedding.shape[1:] != (hidden,):
        raise SourceDamaged(gguf.path, f"there is no embedding of width {hidden}")
    rotary = _rotary(gguf, architecture, head_dim)
    every = family.layers_per_global
    window = f"{architecture}.attention.sliding_window"
    wide = layers == family.wide_scale_layers
    config = NetworkConfig(
        architecture=architecture,
        family=family,
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=_size(gguf, f"{architecture}.attention.head_count_kv", MAX_WIDTH, heads),
        head_dim=head_dim,
        intermediate=_size(gguf, f"{architecture}.feed_forward_length", MAX_WIDTH),
        vocab=embedding.shape[0],
        context_length=_size(gguf, f"{architecture}.context_length", MAX_POSITIONS),
        rotary=rotary,
        norm_epsilon=gguf.number(f"{architecture}.attention.layer_norm_rms_epsilon"),
        tied_embedding="output.weight" not in gguf.tensors,
        local_layers=frozenset(layer for layer in range(layers) if (layer + 1) % every),
        window=_size(gguf, window, MAX_POSITIONS) if every > 1 else 0,
        local_rotary=Rotary(family.local_rotary_base) if family.local_rotary_base else rotary,
        attention_scale=(hidden / heads if wide else head_dim) ** -0.5,
        attention_cap=_cap(gguf, f"{architecture}.attn_logit_softcapping", family, 50.0),
        logit_cap=_cap(gguf, f"{architecture}.final_logit_softcapping", family, 30.0),
    )
    check_network(config, gguf.path, gguf.size)
    _check_tensors(gguf, config)
    return config


def _check_tensors(gguf: GgufFile, config: NetworkConfig) -> None:
    """Refuse what is missing or of another shape, and weights that the graph would leave out."""
    expected = expected_tensors(config)
    if config.rotary.factors:
        expected[_ROPE_FACTORS] = (config.head_dim // 2,)
    for name, shape in expected.items():
        gguf.info(name, shape)
    unknown = sorted(gguf.tensors.keys() - expected.keys())
    if unknown:
        raise SourceUnsupported(
            gguf.path, f"it has weights of an unknown use, such as {unknown[0]}"
        )


def _head_dim(gguf: GgufFile, architecture: str, hidden: int, heads: int) -> int:
    turned = gguf.integer(f"{architecture}.rope.dimension_count", 0)
    stated = turned or hidden // heads
    head_dim = _size(gguf, f"{architecture}.attention.key_length", MAX_HEAD_DIM, stated)
    value_length = gguf.integer(f"{architecture}.attention.value_length", head_dim)
    if value_length != head_dim or turned not in (0, head_dim):
        raise SourceUnsupported(
            gguf.path, f"keys of {head_dim}, values of {value_length}, {turned} of them turned"
        )
    return head_dim


def _rotary(gguf: GgufFile, architecture: str, head_dim: int) -> Rotary:
    base = gguf.number(f"{architecture}.rope.freq_base", 10_000.0)
    scaling = gguf.text(f"{architecture}.rope.scaling.type", "none")
    if scaling not in ("none", "linear"):
        raise SourceUnsupported(gguf.path, f"its rotary positions are scaled by the rule {scaling}")
    factor = gguf.number(f"{architecture}.rope.scaling.factor", 1.0) if scaling != "none" else 1.0
    factors: tuple[float, ...] = ()
    if _ROPE_FACTORS in gguf.tensors:
        factors = tuple(map(float, gguf.tensor(_ROPE_FACTORS, (head_dim // 2,))))
    return Rotary(base, factor, factors)


def _cap(gguf: GgufFile, key: str, family: Family, default: float) -> float:
    cap = gguf.number(key, default if family.soft_caps else 0.0)
    if cap < 0:
        raise SourceDamaged(gguf.path, f"{key} is {cap}")
    return cap


def _size(gguf: GgufFile, key: str, limit: int, default: int | None = None) -> int:
    value = gguf.integer(key, default)
    if not 0 < value <= limit:
        raise SourceDamaged(gguf.path, f"{key} is {value}")
    return value
