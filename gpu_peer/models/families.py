"""What sets one family of networks apart from another, as a short description of each.

All of them are decoders of RMS norms, rotary positions, grouped-query attention and a gated
feed-forward layer. The graph builder asks for the features below and never for a family's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Activation: TypeAlias = Literal["silu", "gelu"]


@dataclass(frozen=True)
class Family:
    """The features of a family.

    Attributes:
        qkv_biases: Query, key and value have biases.
        head_norms: Every query and key head goes through an RMS norm before it is rotated.
        post_norms: What attention and feed-forward layer give goes through a norm as well.
        scaled_embedding: Embeddings are multiplied by the square root of their width.
        activation: Of the gate; `gelu` is the approximation by a hyperbolic tangent.
        layers_per_global: Unless a model says otherwise, of so many layers the last sees every
            position, the ones before it only those in a sliding window. 1: all see every one.
        local_rotary_base: Base of the rotary frequencies of layers with a window, where those have
            their own; they are then not scaled either.
        soft_caps: The scores of attention and the logits are bounded by a hyperbolic tangent.
        wide_scale_layers: The networks with so many layers divide scores by the root of
            hidden / heads, all others by that of the head's width. 0: there is no such network.
    """

    qkv_biases: bool = False
    head_norms: bool = False
    post_norms: bool = False
    scaled_embedding: bool = False
    activation: Activation = "silu"
    layers_per_global: int = 1
    local_rotary_base: float | None = None
    soft_caps: bool = False
    wide_scale_layers: int = 0


FAMILIES: dict[str, Family] = {
    "llama": Family(),  # Llama 2 and 3, Mistral, SmolLM2
    "qwen2": Family(qkv_biases=True),
    "qwen3": Family(head_norms=True),
    "gemma2": Family(
        post_norms=True,
        scaled_embedding=True,
        activation="gelu",
        layers_per_global=2,
        soft_caps=True,
        wide_scale_layers=46,
    ),
    "gemma3": Family(
        head_norms=True,
        post_norms=True,
        scaled_embedding=True,
        activation="gelu",
        layers_per_global=6,
        local_rotary_base=10_000.0,
        wide_scale_layers=62,
    ),
}
"""By the name of the architecture in GGUF files."""
