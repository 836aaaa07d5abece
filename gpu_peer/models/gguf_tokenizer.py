"""Rebuilds `tokenizer.json` (the format of Hugging Face tokenizers) from GGUF metadata.

Two kinds: byte-level BPE, which GGUF files call `gpt2`, and SentencePiece's, which they call
`llama`. What becomes of each is in `byte_level.py` and `sentence_piece.py`.
"""

from __future__ import annotations

from gpu_peer.models.byte_level import RULES, byte_level_bpe
from gpu_peer.models.errors import SourceDamaged, SourceUnsupported
from gpu_peer.models.gguf_file import GgufFile
from gpu_peer.models.sentence_piece import MAX_PIECE, sentence_piece_bpe
from gpu_peer.models.tokenizer import END_OF_TURN, Tokenizer, ends
from gpu_peer.models.vocabulary import Vocabulary

_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED, _UNUSED, _BYTE = range(1, 7)


def read_tokenizer(gguf: GgufFile, vocab: int) -> Tokenizer:
    """Return the tokenizer of `gguf`, whose embedding has `vocab` rows.

    Raises:
        SourceDamaged: Lists of unequal length, repeated tokens, or ids out of range.
        SourceUnsupported: Another kind of tokenizer, or no chat template.
    """
    kind = gguf.text("tokenizer.ggml.model")
    if kind not in ("gpt2", "llama"):
        raise SourceUnsupported(gguf.path, f"its tokenizer is of the kind {kind}")
    pre = gguf.text("tokenizer.ggml.pre", "default")
    if kind == "gpt2" and pre not in RULES:
        raise SourceUnsupported(gguf.path, f"its tokenizer cuts text by the rules of {pre}")
    if "tokenizer.chat_template" not in gguf:
        raise SourceUnsupported(gguf.path, "it has no chat template, so it is not made for talking")
    tokens = gguf.texts("tokenizer.ggml.tokens")
    kinds = gguf.integers("tokenizer.ggml.token_type")
    if len(tokens) != vocab or len(kinds) != vocab or len(set(tokens)) != vocab:
        raise SourceDamaged(
            gguf.path,
            f"{len(set(tokens))} different tokens and {len(kinds)} kinds for {vocab} embeddings",
        )
    longest = max(map(len, tokens))
    if kind == "llama" and longest > MAX_PIECE:
        raise SourceDamaged(gguf.path, f"it has a token of {longest} characters")
    eos = _token_id(gguf, "tokenizer.ggml.eos_token_id", vocab)
    marked = {i for i, kind in enumerate(kinds) if kind == _USER_DEFINED}
    turns = {i for i in marked if tokens[i] in END_OF_TURN}  # some files say so, and mean control
    vocabulary = Vocabulary(
        tokens=tokens,
        special={eos} | turns | {i for i, kind in enumerate(kinds) if kind in (_CONTROL, _UNKNOWN)},
        user_defined=marked - turns,
        bytes={i for i, kind in enumerate(kinds) if kind == _BYTE},
    )
    # As in llama.cpp: what a file does not say follows from its kind.
    begins_by_default = kind == "llama" or RULES[pre].begins_prompts
    begins = gguf.flag("tokenizer.ggml.add_bos_token", begins_by_default)
    bos = _token_id(gguf, "tokenizer.ggml.bos_token_id", vocab) if begins else None
    return Tokenizer(
        json=(
            byte_level_bpe(vocabulary, _merges(gguf, tokens), RULES[pre])
            if kind == "gpt2"
            else sentence_piece_bpe(
                vocabulary,
                _scores(gguf, vocab),
                _unknown(gguf, tokens),
                prefix_space=gguf.flag("tokenizer.ggml.add_space_prefix", True),
            )
        ),
        bos_token=None if bos is None else tokens[bos],
        eos_token=tokens[eos],
        stop_token_ids=_stop_token_ids(gguf, vocabulary, eos),
        chat_template=gguf.text("tokenizer.chat_template"),
    )


def _token_id(gguf: GgufFile, key: str, vocab: int) -> int:
    value = gguf.integer(key)
    if not 0 <= value < vocab:
        raise SourceDamaged(gguf.path, f"{key} is {value} of {vocab} tokens")
    return value


def _stop_token_ids(gguf: GgufFile, vocabulary: Vocabulary, eos: int) -> list[int]:
    tokens = vocabulary.tokens
    stops = {eos} | ends((i, tokens[i]) for i in vocabulary.special)
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
            raise SourceDamaged(gguf.path, f"the merge {line!r} is not one of two tokens")
        merges.append(pair)
    return merges


def _scores(gguf: GgufFile, vocab: int) -> list[float]:
    scores = gguf.numbers("tokenizer.ggml.scores")
    if len(scores) != vocab:
        raise SourceDamaged(gguf.path, f"{len(scores)} scores for {vocab} embeddings")
    return scores


def _unknown(gguf: GgufFile, tokens: list[str]) -> str | None:
    key = "tokenizer.ggml.unknown_token_id"
    return tokens[_token_id(gguf, key, len(tokens))] if key in gguf else None
