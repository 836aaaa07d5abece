"""Rebuilds `tokenizer.json` (the format of Hugging Face tokenizers) from GGUF metadata.

Only byte-level BPE so far. What a GGUF calls `tokenizer.ggml.pre` names how text is cut before
merging; each name that is supported has a row in `_PRE_TOKENIZERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gpu_peer.models.errors import GgufDamaged, GgufUnsupported
from gpu_peer.models.gguf_file import GgufFile

_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED, _UNUSED, _BYTE = range(1, 7)
_END_OF_TURN = frozenset(
    {"<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<end_of_turn>", "</s>"}
)


@dataclass(frozen=True)
class Tokenizer:
    """A tokenizer and what the engine must know beside it.

    Attributes:
        json: The content of `tokenizer.json`.
        bos_token: Text of the token that begins a prompt, where the model wants one.
        eos_token: Text of the token that ends an answer.
        stop_token_ids: Every token after which generation stops, ascending.
        chat_template: Jinja source.
    """

    json: dict[str, Any]
    bos_token: str | None
    eos_token: str
    stop_token_ids: list[int]
    chat_template: str


def read_tokenizer(gguf: GgufFile, vocab: int) -> Tokenizer:
    """Return the tokenizer of `gguf`, whose embedding has `vocab` rows.

    Raises:
        GgufDamaged: Lists of unequal length, repeated tokens, or ids out of range.
        GgufUnsupported: Another kind of tokenizer, or no chat template.
    """
    kind = gguf.text("tokenizer.ggml.model")
    if kind != "gpt2":
        raise GgufUnsupported(gguf.path, f"its tokenizer is of the kind {kind}")
    pre = gguf.text("tokenizer.ggml.pre", "default")
    if pre not in _PRE_TOKENIZERS:
        raise GgufUnsupported(gguf.path, f"its tokenizer cuts text by the rules of {pre}")
    if "tokenizer.chat_template" not in gguf:
        raise GgufUnsupported(gguf.path, "it has no chat template, so it is not made for talking")
    tokens = gguf.texts("tokenizer.ggml.tokens")
    kinds = gguf.integers("tokenizer.ggml.token_type")
    if len(tokens) != vocab or len(kinds) != vocab or len(set(tokens)) != vocab:
        raise GgufDamaged(
            gguf.path,
            f"{len(set(tokens))} different tokens and {len(kinds)} kinds for {vocab} embeddings",
        )
    eos = _token_id(gguf, "tokenizer.ggml.eos_token_id", vocab)
    begins = gguf.flag("tokenizer.ggml.add_bos_token", False)
    bos = _token_id(gguf, "tokenizer.ggml.bos_token_id", vocab) if begins else None
    special = {eos} | {i for i, kind in enumerate(kinds) if kind in (_CONTROL, _UNKNOWN)}
    return Tokenizer(
        json=_byte_level_bpe(
            tokens, _merges(gguf, tokens), special, _user_defined(kinds), _PRE_TOKENIZERS[pre]()
        ),
        bos_token=None if bos is None else tokens[bos],
        eos_token=tokens[eos],
        stop_token_ids=_stop_token_ids(gguf, tokens, special, eos),
        chat_template=gguf.text("tokenizer.chat_template"),
    )


def _token_id(gguf: GgufFile, key: str, vocab: int) -> int:
    value = gguf.integer(key)
    if not 0 <= value < vocab:
        raise GgufDamaged(gguf.path, f"{key} is {value} of {vocab} tokens")
    return value


def _stop_token_ids(gguf: GgufFile, tokens: list[str], special: set[int], eos: int) -> list[int]:
    stops = {i for i in special if tokens[i] in _END_OF_TURN}
    stops.add(eos)
    if "tokenizer.ggml.eot_token_id" in gguf:
        stops.add(_token_id(gguf, "tokenizer.ggml.eot_token_id", len(tokens)))
    return sorted(stops)


def _merges(gguf: GgufFile, tokens: list[str]) -> list[list[str]]:
    """Return the merges as pairs; each pair and its result must be tokens."""
    known = set(tokens)
    merges = []
    for line in gguf.texts("tokenizer.ggml.merges"):
        pair = line.split(" ")
        if len(pair) != 2 or not known.issuperset((*pair, "".join(pair))):
            raise GgufDamaged(gguf.path, f"the merge {line!r} is not one of two tokens")
        merges.append(pair)
    return merges


def _user_defined(kinds: list[int]) -> set[int]:
    return {i for i, kind in enumerate(kinds) if kind == _USER_DEFINED}


def _byte_level_bpe(
    tokens: list[str],
    merges: list[list[str]],
    special: set[int],
    user_defined: set[int],
    pre_tokenizer: dict[str, Any],
) -> dict[str, Any]:
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
                "special": i in special,
            }
            for i in sorted(special | user_defined)
        ],
        "normalizer": None,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": None,
        "decoder": _byte_level(use_regex=True),
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
            "merges": merges,
        },
    }


def _byte_level(*, use_regex: bool) -> dict[str, Any]:
    return {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": use_regex,
    }


def _single_digits_then_gpt2() -> dict[str, Any]:
    """Every digit by itself, the rest by the expression of GPT-2."""
    return {
        "type": "Sequence",
        "pretokenizers": [
            {"type": "Digits", "individual_digits": True},
            _byte_level(use_regex=True),
        ],
    }


_PRE_TOKENIZERS: dict[str, Callable[[], dict[str, Any]]] = {
    "smollm": _single_digits_then_gpt2,
    "gpt-2": lambda: _byte_level(use_regex=True),
}
