"""SentencePiece's BPE, as Llama 2, the first Mistral models and Gemma use it.

A GGUF gives each piece a score and no merges. Of all neighbouring pieces the pair whose union
scores best is merged first, so every way to cut a piece in two known ones is a merge, and the
score is its rank. Text that no piece covers falls back to bytes.
"""

from __future__ import annotations

from typing import Any

from gpu_peer.models.vocabulary import Vocabulary, tokenizer_json

SPACE = "\u2581"
MAX_PIECE = 256  # characters; every way to cut a piece is tried, so its length costs its square


def sentence_piece_bpe(
    vocabulary: Vocabulary, scores: list[float], unknown: str | None, *, prefix_space: bool
) -> dict[str, Any]:
    """Return the content of `tokenizer.json`; with `prefix_space` text begins with a space."""
    spaces = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
    prefix = [{"type": "Prepend", "prepend": SPACE}] if prefix_space else []
    strip = [{"type": "Strip", "content": " ", "start": 1, "stop": 0}] if prefix_space else []
    return tokenizer_json(
        vocabulary,
        normalizer={"type": "Sequence", "normalizers": [*prefix, spaces]},
        pre_tokenizer=None,
        decoder={
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": SPACE}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
                *strip,
            ],
        },
        merges=_merges(vocabulary, scores),
        unk_token=unknown,
        fuse_unk=True,
        byte_fallback=True,
    )


def _merges(vocabulary: Vocabulary, scores: list[float]) -> list[list[str]]:
    """Return pairs of pieces by falling score of their union, ties by the ids of the parts."""
    apart = vocabulary.special | vocabulary.user_defined | vocabulary.bytes
    ids = {piece: i for i, piece in enumerate(vocabulary.tokens) if i not in apart}
    ranked = []
    for piece, i in ids.items():
        for cut in range(1, len(piece)):
            left, right = ids.get(piece[:cut]), ids.get(piece[cut:])
            if left is not None and right is not None:
                ranked.append((-scores[i], left, right))
    tokens = vocabulary.tokens
    return [[tokens[left], tokens[right]] for _, left, right in sorted(ranked)]
