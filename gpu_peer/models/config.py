"""The shape of a network, read from GGUF metadata and checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpu_peer.models.errors import GgufDamaged, GgufUnsupported
from gpu_peer.models.families import FAMILIES, Family
from gpu_peer.models.gguf_file import GgufFile
from gpu_peer.models.quantize import BLOCK
from gpu_peer.models.rotary import Rotary

MAX_LAYERS = 1_000
MAX_WIDTH = 1 << 20
MAX_HEAD_DIM = 512
MAX_POSITIONS = 1 << 20
MAX_TABLE_BYTES = 64 << 20  # rotary tables beyond it must not be larger than the file itself


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes and features of the network.

    Attributes:
        architecture: Name of its family in GGUF files.
        family: Features of its family.
        layers: Transformer blocks.
        hidden: Width of the residual stream.
        heads: Query heads.
        kv_heads: Key and value heads; divides `heads`.
        head_dim: Width of one head.
        intermediate: Width of the gated feed-forward layer.
        vocab: Rows of the embedding.
        context_length: Positions the network was trained for.
        rotary: Positions of layers that see all positions.
        norm_epsilon: Added to the mean square in every RMS norm.
        tied_embedding: Whether the output matrix is the embedding.
        window: Positions that a layer with a sliding window sees, its own among them.
        local_rotary: Positions of layers with a sliding window.
        attention_cap: Bound of the scores of attention; 0: none.
        logit_cap: Bound of the logits; 0: none.
    """

    architecture: str
    family: Family
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocab: int
    context_length: int
    rotary: Rotary
    norm_epsilon: float
    tied_embedding: bool
    window: int
    local_rotary: Rotary
    attention_cap: float
    logit_cap: float

    @property
    def query_width(self) -> int:
        """Width of all query heads together."""
        return self.heads * self.head_dim

    @property
    def kv_width(self) -> int:
        """Width of all key (or value) heads together."""
        return self.kv_heads * self.head_dim

    @property
    def attention_scale(self) -> float:
        """What scores of attention are multiplied by."""
        wide = self.layers == self.family.wide_scale_layers
        return float((self.hidden / self.heads if wide else self.head_dim) ** -0.5)

    def is_local(self, layer: int) -> bool:
        """Whether layer number `layer`, from 0, has a sliding window."""
        return (layer + 1) % self.family.layers_per_global != 0


def read_config(gguf: GgufFile) -> NetworkConfig:
    """Return the sizes of the network in `gguf`.

    Raises:
        GgufDamaged: A size or tensor is missing, out of range, or contradicts another.
        GgufUnsupported: Another architecture, or a feature that the graph does not build.
    """
    architecture = gguf.text("general.architecture")
    family = FAMILIES.get(architecture)
    if family is None:
        raise GgufUnsupported(gguf.path, f"its architecture is {architecture}")
    if gguf.integer(f"{architecture}.expert_count", 0):
        raise GgufUnsupported(gguf.path, "it is a mixture of experts")
    hidden = _size(gguf, f"{architecture}.embedding_length", MAX_WIDTH)
    heads = _size(gguf, f"{architecture}.attention.head_count", MAX_WIDTH)
    kv_heads = _size(gguf, f"{architecture}.attention.head_count_kv", MAX_WIDTH, heads)
    head_dim = _head_dim(gguf, architecture, hidden, heads)
    embedding = gguf.tensors.get("token_embd.weight")
    if embedding is None or embedding.shape[1:] != (hidden,):
        raise GgufDamaged(gguf.path, f"there is no embedding of width {hidden}")
    intermediate = _size(gguf, f"{architecture}.feed_forward_length", MAX_WIDTH)
    if heads % kv_heads or head_dim % 16:
        raise GgufDamaged(gguf.path, f"{heads} heads, {kv_heads} key heads of {head_dim}")
    if hidden % BLOCK or intermediate % BLOCK or heads * head_dim % BLOCK:
        raise GgufUnsupported(gguf.path, f"its widths are not multiples of {BLOCK}")
    epsilon = gguf.number(f"{architecture}.attention.layer_norm_rms_epsilon")
    if not 0 < epsilon < 1:
        raise GgufDamaged(gguf.path, f"norm epsilon {epsilon}")
    rotary = _rotary(gguf, architecture, head_dim)
    local = Rotary(family.local_rotary_base) if family.local_rotary_base else rotary
    windows = family.layers_per_global > 1
    config = NetworkConfig(
        architecture=architecture,
        family=family,
        layers=_size(gguf, f"{architecture}.block_count", MAX_LAYERS),
        hidden=hidden,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        intermediate=intermediate,
        vocab=embedding.shape[0],
        context_length=_context_length(gguf, architecture, head_dim),
        rotary=rotary,
        norm_epsilon=epsilon,
        tied_embedding="output.weight" not in gguf.tensors,
        window=(
            _size(gguf, f"{architecture}.attention.sliding_window", MAX_POSITIONS) if windows else 0
        ),
        local_rotary=local,
        attention_cap=_cap(gguf, f"{architecture}.attn_logit_softcapping", family, 50.0),
        logit_cap=_cap(gguf, f"{architecture}.final_logit_softcapping", family, 30.0),
    )
    _check_tensors(gguf, config)
    return config


def expected_tensors(config: NetworkConfig) -> dict[str, tuple[int, ...]]:
    """Return every tensor that a file of such a network must have, with its shape."""
    family, hidden, wide = config.family, config.hidden, config.intermediate
    query, key = config.query_width, config.kv_width
    block: dict[str, tuple[int, ...]] = {
        "attn_norm.weight": (hidden,),
        "attn_q.weight": (query, hidden),
        "attn_k.weight": (key, hidden),
        "attn_v.weight": (key, hidden),
        "attn_output.weight": (hidden, query),
        "ffn_norm.weight": (hidden,),
        "ffn_gate.weight": (wide, hidden),
        "ffn_up.weight": (wide, hidden),
        "ffn_down.weight": (hidden, wide),
    }
    if family.qkv_biases:
        block |= {"attn_q.bias": (query,), "attn_k.bias": (key,), "attn_v.bias": (key,)}
    if family.head_norms:
        block |= {f"attn_{part}_norm.weight": (config.head_dim,) for part in "qk"}
    if family.post_norms:
        block |= {f"post_{part}_norm.weight": (hidden,) for part in ("attention", "ffw")}
    outer: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (config.vocab, hidden),
        "output_norm.weight": (hidden,),
    }
    if not config.tied_embedding:
        outer["output.weight"] = (config.vocab, hidden)
    if config.rotary.factors:
        outer["rope_freqs.weight"] = (config.head_dim // 2,)
    blocks = {
        f"blk.{layer}.{part}": shape
        for layer in range(config.layers)
        for part, shape in block.items()
    }
    return outer | blocks


def _check_tensors(gguf: GgufFile, config: NetworkConfig) -> None:
    """Refuse what is missing or of another shape, and weights that the graph would leave out."""
    expected = expected_tensors(config)
    for name, shape in expected.items():
        gguf.info(name, shape)
    unknown = sorted(gguf.tensors.keys() - expected.keys())
    if unknown:
        raise GgufUnsupported(gguf.path, f"it has weights of an unknown use, such as {unknown[0]}")


def _head_dim(gguf: GgufFile, architecture: str, hidden: int, heads: int) -> int:
    turned = gguf.integer(f"{architecture}.rope.dimension_count", 0)
    stated = turned or hidden // heads
    head_dim = _size(gguf, f"{architecture}.attention.key_length", MAX_HEAD_DIM, stated)
    value_length = gguf.integer(f"{architecture}.attention.value_length", head_dim)
    if value_length != head_dim or turned not in (0, head_dim):
        raise GgufUnsupported(
            gguf.path, f"keys of {head_dim}, values of {value_length}, {turned} of them turned"
        )
    return head_dim


def _rotary(gguf: GgufFile, architecture: str, head_dim: int) -> Rotary:
    base = gguf.number(f"{architecture}.rope.freq_base", 10_000.0)
    scaling = gguf.text(f"{architecture}.rope.scaling.type", "none")
    if scaling not in ("none", "linear"):
        raise GgufUnsupported(gguf.path, f"its rotary positions are scaled by the rule {scaling}")
    factor = gguf.number(f"{architecture}.rope.scaling.factor", 1.0) if scaling != "none" else 1.0
    factors: tuple[float, ...] = ()
    if "rope_freqs.weight" in gguf.tensors:
        factors = tuple(map(float, gguf.tensor("rope_freqs.weight", (head_dim // 2,))))
    if base <= 1 or factor < 1 or not all(value > 0 for value in factors):
        raise GgufDamaged(gguf.path, f"rotary base {base}, factor {factor}")
    return Rotary(base, factor, factors)


def _context_length(gguf: GgufFile, architecture: str, head_dim: int) -> int:
    """Return the length, having bounded the rotary tables by the size of the file."""
    length = _size(gguf, f"{architecture}.context_length", MAX_POSITIONS)
    tables = length * head_dim * np.dtype(np.float32).itemsize
    if tables > max(MAX_TABLE_BYTES, gguf.path.stat().st_size):
        raise GgufDamaged(gguf.path, f"{length} positions are claimed for heads of {head_dim}")
    return length


def _cap(gguf: GgufFile, key: str, family: Family, default: float) -> float:
    cap = gguf.number(key, default if family.soft_caps else 0.0)
    if cap < 0:
        raise GgufDamaged(gguf.path, f"{key} is {cap}")
    return cap


def _size(gguf: GgufFile, key: str, limit: int, default: int | None = None) -> int:
    value = gguf.integer(key, default)
    if not 0 < value <= limit:
        raise GgufDamaged(gguf.path, f"{key} is {value}")
    return value
