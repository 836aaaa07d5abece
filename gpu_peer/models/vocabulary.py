"""The tokens of a model, and the parts of `tokenizer.json` that every kind of tokenizer shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by id, and the ids of those that are not ordinary text.

    Attributes:
        tokens: As the file writes them.
        special: Never shown, such as the end of a turn.
        user_defined: Found in text before anything else, and shown.
        bytes: Single bytes of a text that no other token covers, written `<0x0A>`.
    """

    tokens: list[str]
    special: set[int]
    user_defined: set[int]
    bytes: set[int]


def tokenizer_json(
    vocabulary: Vocabulary,
    *,
    normalizer: dict[str, Any] | None,
    pre_tokenizer: dict[str, Any] | None,
    decoder: dict[str, Any],
    **model: Any,
) -> dict[str, Any]:
    """Return the content of `tokenizer.json` of a BPE model; `model` holds what differs there."""
    tokens = vocabulary.tokens
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": i,
                "content": tokens[i],
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": i in vocabulary.special,
            }
            for i in sorted(vocabulary.special | vocabulary.user_defined)
        ],
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": None,
        "decoder": decoder,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: i for i, token in enumerate(tokens)},
            **model,
        },
    }
