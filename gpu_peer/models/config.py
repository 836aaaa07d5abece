"""The shape of a network, whatever file it was read from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gpu_peer.models.errors import SourceDamaged, SourceUnsupported
from gpu_peer.models.families import Family
from gpu_peer.models.quantize import BLOCK
from gpu_peer.models.rotary import Rotary

MAX_LAYERS = 1_000
MAX_WIDTH = 1 << 20
MAX_HEAD_DIM = 512
MAX_POSITIONS = 1 << 20
MAX_TABLE_BYTES = 64 << 20  # rotary tables beyond it must not be larger than the weights themselves


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes and features of the network.

    Attributes:
        architecture: Name of its family, as GGUF files write it.
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
        local_layers: Numbers, from 0, of the layers with a sliding window.
        window: Positions that such a layer sees, its own among them; 0: there is none.
        local_rotary: Positions of layers with a sliding window.
        attention_scale: What scores of attention are multiplied by.
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
    local_layers: frozenset[int]
    window: int
    local_rotary: Rotary
    attention_scale: float
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

    def is_local(self, layer: int) -> bool:
        """Whether layer number `layer`, from 0, has a sliding window."""
        return layer in self.local_layers


def check_network(config: NetworkConfig, path: Path, weight_bytes: int) -> None:
    """Refuse sizes that contradict each other, or that weights of so many bytes cannot have.

    Raises:
        SourceDamaged: The network read from `path` cannot be what it says.
        SourceUnsupported: It can, and the graph does not build it.
    """
    heads, kv_heads, head_dim = config.heads, config.kv_heads, config.head_dim
    if heads % kv_heads or head_dim % 16:
        raise SourceDamaged(path, f"{heads} heads, {kv_heads} key heads of {head_dim}")
    if any(width % BLOCK for width in (config.hidden, config.intermediate, config.query_width)):
        raise SourceUnsupported(path, f"its widths are not multiples of {BLOCK}")
    if not 0 < config.norm_epsilon < 1:
        raise SourceDamaged(path, f"norm epsilon {config.norm_epsilon}")
    for rotary in (config.rotary, config.local_rotary):
        if rotary.base <= 1 or rotary.factor < 1 or not all(each > 0 for each in rotary.factors):
            raise SourceDamaged(path, f"rotary base {rotary.base}, factor {rotary.factor}")
    tables = config.context_length * head_dim * np.dtype(np.float32).itemsize
    if tables > max(MAX_TABLE_BYTES, weight_bytes):
        claim = f"{config.context_length} positions are claimed for heads of {head_dim}"
        raise SourceDamaged(path, claim)


def expected_tensors(config: NetworkConfig) -> dict[str, tuple[int, ...]]:
    """Return every tensor that such a network must have, by its name in GGUF files."""
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
    blocks = {
        f"blk.{layer}.{part}": shape
        for layer in range(config.layers)
        for part, shape in block.items()
    }
    return outer | blocks
