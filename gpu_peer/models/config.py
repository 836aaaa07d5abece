"""The shape of a Llama-family network, read from GGUF metadata and checked."""

from __future__ import annotations

from dataclasses import dataclass

from gpu_peer.models.errors import GgufDamaged, GgufUnsupported
from gpu_peer.models.gguf_file import GgufFile
from gpu_peer.models.quantize import BLOCK

ARCHITECTURE = "llama"
MAX_LAYERS = 1_000
MAX_WIDTH = 1 << 20
MAX_POSITIONS = 1 << 20  # rotary tables of a head of 128 are then 512 MB


@dataclass(frozen=True)
class LlamaConfig:
    """Sizes of the network.

    Attributes:
        layers: Transformer blocks.
        hidden: Width of the residual stream.
        heads: Query heads.
        kv_heads: Key and value heads; divides `heads`.
        head_dim: Width of one head.
        intermediate: Width of the gated feed-forward layer.
        vocab: Rows of the embedding.
        context_length: Positions the network was trained for.
        rope_base: Base of the rotary frequencies.
        norm_epsilon: Added to the mean square in every RMS norm.
        tied_embedding: Whether the output matrix is the embedding.
    """

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocab: int
    context_length: int
    rope_base: float
    norm_epsilon: float
    tied_embedding: bool

    @property
    def query_width(self) -> int:
        """Width of all query heads together."""
        return self.heads * self.head_dim

    @property
    def kv_width(self) -> int:
        """Width of all key (or value) heads together."""
        return self.kv_heads * self.head_dim


def read_config(gguf: GgufFile) -> LlamaConfig:
    """Return the sizes of the network in `gguf`.

    Raises:
        GgufDamaged: A size is missing, out of range, or contradicts another.
        GgufUnsupported: Another architecture, or a feature that the graph does not build.
    """
    architecture = gguf.text("general.architecture")
    if architecture != ARCHITECTURE:
        raise GgufUnsupported(gguf.path, f"its architecture is {architecture}")
    _refuse_unsupported(gguf)
    hidden = _size(gguf, "llama.embedding_length", MAX_WIDTH)
    heads = _size(gguf, "llama.attention.head_count", MAX_WIDTH)
    kv_heads = _size(gguf, "llama.attention.head_count_kv", MAX_WIDTH, heads)
    head_dim = _size(gguf, "llama.rope.dimension_count", MAX_WIDTH, hidden // heads)
    embedding = gguf.tensors.get("token_embd.weight")
    if embedding is None or embedding.shape[1:] != (hidden,):
        raise GgufDamaged(gguf.path, f"there is no embedding of width {hidden}")
    gguf.info("blk.0.attn_q.weight", (heads * head_dim, hidden))  # bounds all by the file's size
    intermediate = _size(gguf, "llama.feed_forward_length", MAX_WIDTH)
    if heads % kv_heads or head_dim % 16:
        raise GgufDamaged(gguf.path, f"{heads} heads, {kv_heads} key heads of {head_dim}")
    if hidden % BLOCK or intermediate % BLOCK or heads * head_dim % BLOCK:
        raise GgufUnsupported(gguf.path, f"its widths are not multiples of {BLOCK}")
    rope_base = gguf.number("llama.rope.freq_base", 10_000.0)
    epsilon = gguf.number("llama.attention.layer_norm_rms_epsilon")
    if rope_base <= 1 or not 0 < epsilon < 1:
        raise GgufDamaged(gguf.path, f"rotary base {rope_base}, norm epsilon {epsilon}")
    return LlamaConfig(
        layers=_size(gguf, "llama.block_count", MAX_LAYERS),
        hidden=hidden,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        intermediate=intermediate,
        vocab=embedding.shape[0],
        context_length=_size(gguf, "llama.context_length", MAX_POSITIONS),
        rope_base=rope_base,
        norm_epsilon=epsilon,
        tied_embedding="output.weight" not in gguf.tensors,
    )


def _refuse_unsupported(gguf: GgufFile) -> None:
    scaling = gguf.text("llama.rope.scaling.type", "none")
    if scaling != "none" or "rope_freqs.weight" in gguf.tensors:
        raise GgufUnsupported(gguf.path, "its rotary positions are scaled")
    if gguf.integer("llama.expert_count", 0):
        raise GgufUnsupported(gguf.path, "it is a mixture of experts")
    if "blk.0.attn_q.bias" in gguf.tensors:
        raise GgufUnsupported(gguf.path, "its attention has biases")


def _size(gguf: GgufFile, key: str, limit: int, default: int | None = None) -> int:
    value = gguf.integer(key, default)
    if not 0 < value <= limit:
        raise GgufDamaged(gguf.path, f"{key} is {value}")
    return value
