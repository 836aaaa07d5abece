"""Byte-level BPE: text is cut by rules, and the bytes of each piece are merged.

What a GGUF calls `tokenizer.ggml.pre` names the rules; each name that is supported has a row in
`RULES`. The expressions are those of the models' own tokenizers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gpu_peer.models.vocabulary import Vocabulary, tokenizer_json


@dataclass(frozen=True)
class Rules:
    """How one family of tokenizers cuts text.

    Attributes:
        cuts: Pre-tokenizers that run before bytes are written as characters.
        gpt2_words: Whether the expression of GPT-2 runs last.
        composes: Whether text is brought to the normal form NFC first.
        whole_words_first: Whether a piece that is a token is taken without merging.
        begins_prompts: Whether prompts begin with a token of their own unless the file says no.
    """

    cuts: list[dict[str, Any]] = field(default_factory=list)
    gpt2_words: bool = False
    composes: bool = False
    whole_words_first: bool = False
    begins_prompts: bool = False


def byte_level_bpe(vocabulary: Vocabulary, merges: list[list[str]], rules: Rules) -> dict[str, Any]:
    """Return the content of `tokenizer.json`."""
    bytes_as_characters = _byte_level(use_regex=rules.gpt2_words)
    steps = [*rules.cuts, bytes_as_characters]
    return tokenizer_json(
        vocabulary,
        normalizer={"type": "NFC"} if rules.composes else None,
        pre_tokenizer=(
            {"type": "Sequence", "pretokenizers": steps} if rules.cuts else bytes_as_characters
        ),
        decoder=_byte_level(use_regex=True),
        merges=merges,
        ignore_merges=rules.whole_words_first,
    )


def _byte_level(*, use_regex: bool) -> dict[str, Any]:
    return {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": use_regex,
    }


def _words(digits: str) -> dict[str, Any]:
    """Return the cut of Llama 3 and Qwen2, which differ in how many digits stay together."""
    expression = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
        r"|[^\r\n\p{L}\p{N}]?\p{L}+"
        rf"|{digits}"
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+"
        r"|\s+(?!\S)"
        r"|\s+"
    )
    return {
        "type": "Split",
        "pattern": {"Regex": expression},
        "behavior": "Isolated",
        "invert": False,
    }


_DIGITS = {"type": "Digits", "individual_digits": True}

RULES: dict[str, Rules] = {
    "smollm": Rules(cuts=[_DIGITS], gpt2_words=True),
    "gpt-2": Rules(gpt2_words=True),
    "llama-bpe": Rules(cuts=[_words(r"\p{N}{1,3}")], whole_words_first=True, begins_prompts=True),
    "qwen2": Rules(cuts=[_words(r"\p{N}")], composes=True),
}
"""By `tokenizer.ggml.pre`."""
