"""Rebuilt tokenizers against ones written plainly from their rules, on texts chosen to hurt.

The rules themselves were held once against llama.cpp: rebuilt from the vocabularies in its
`models/ggml-vocab-{gpt-2,llama-bpe,qwen2,llama-spm}.gguf`, the tokenizers gave the ids of the .out
files beside them for all 47 texts of each, and gave the texts back.
"""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from gpu_peer.models.gguf_file import GgufFile
from gpu_peer.models.gguf_tokenizer import read_tokenizer
from tests.gpu_peer.models.plain_tokenizer import (
    BEGIN,
    END,
    SPACE,
    UNKNOWN,
    as_bytes,
    best_scored,
    cut,
    merged,
    trained,
)
from tests.gpu_peer.models.tiny import SPECIAL, byte_alphabet, write_tiny

TORTURE: dict[str, list[str]] = json.loads(
    Path(__file__).with_name("torture.json").read_text(encoding="utf-8")
)
TEXTS = [text for texts in TORTURE.values() for text in texts]
ALPHABET = sorted(set("".join(TEXTS)) | set("'sStTrReEvV\r\n\x85\u2028"))
any_text = st.text(st.sampled_from(ALPHABET), max_size=40)
DIGITS = {"llama-bpe": 3, "qwen2": 1}


def rebuilt(path: Path, tokens: list[str], change: dict[str, object]) -> Tokenizer:
    """Return the tokenizer that the exporter makes of a file with these `tokens`."""
    write_tiny(path, change={"tokenizer.ggml.tokens": tokens, **change})
    with GgufFile(path) as gguf:
        return Tokenizer.from_str(json.dumps(read_tokenizer(gguf, len(tokens)).json))


@pytest.fixture(scope="module", params=DIGITS)
def rules(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def merges(rules: str) -> list[tuple[str, str]]:
    pieces = [as_bytes(piece) for text in TEXTS for piece in cut(text, DIGITS[rules])]
    return trained(pieces, 250)


@pytest.fixture(scope="module")
def byte_level(
    rules: str, merges: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Tokenizer:
    tokens = [*SPECIAL, *byte_alphabet(), *dict.fromkeys(a + b for a, b in merges)]
    change: dict[str, object] = {
        "tokenizer.ggml.pre": rules,
        "tokenizer.ggml.merges": [f"{a} {b}" for a, b in merges],
        "tokenizer.ggml.token_type": [3] * len(SPECIAL) + [1] * (len(tokens) - len(SPECIAL)),
        "tokenizer.ggml.bos_token_id": 1,
    }
    return rebuilt(tmp_path_factory.mktemp("bpe") / "a.gguf", tokens, change)


def plainly(text: str, rules: str, merges: list[tuple[str, str]]) -> list[str]:
    if rules == "qwen2":
        text = unicodedata.normalize("NFC", text)
    pieces = map(as_bytes, cut(text, DIGITS[rules]))
    whole_first = rules == "llama-bpe"
    return [token for piece in pieces for token in merged(piece, merges, whole_first=whole_first)]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text)[:20])
def test_byte_level_tokens_on_the_torture_set(
    text: str, rules: str, merges: list[tuple[str, str]], byte_level: Tokenizer
) -> None:
    assert byte_level.encode(text).tokens == plainly(text, rules, merges)
    composed = unicodedata.normalize("NFC", text) if rules == "qwen2" else text
    assert byte_level.decode(byte_level.encode(text).ids) == composed


@given(text=any_text)
def test_byte_level_tokens_on_any_text(
    text: str, rules: str, merges: list[tuple[str, str]], byte_level: Tokenizer
) -> None:
    assert byte_level.encode(text).tokens == plainly(text, rules, merges)


@pytest.mark.parametrize(
    ("text", "three", "one"),
    [
        ("I'll've 12345", "I|'ll|'ve| |123|45", "I|'ll|'ve| |1|2|3|4|5"),
        ("a  b\n\n c", "a| | b|\n\n| c", "a| | b|\n\n| c"),
        ("f(x);\n\ty", "f|(x|);\n|\ty", "f|(x|);\n|\ty"),
        ("Привет, мир! ", "Привет|,| мир|!| ", "Привет|,| мир|!| "),
    ],
)
def test_where_text_is_cut(text: str, three: str, one: str) -> None:
    """Written out by hand, so that the plain rules cannot go astray together with ours."""
    assert cut(text, 3) == three.split("|")
    assert cut(text, 1) == one.split("|")


def test_prompts_begin_with_a_token_where_llama_cpp_puts_one(tmp_path: Path) -> None:
    begins = {}
    for pre in ("smollm", "gpt-2", "llama-bpe", "qwen2"):
        change = {"tokenizer.ggml.pre": pre, "tokenizer.ggml.bos_token_id": 1}
        path = write_tiny(tmp_path / f"{pre}.gguf", change=change)
        with GgufFile(path) as gguf:
            tokens = gguf.texts("tokenizer.ggml.tokens")
            begins[pre] = read_tokenizer(gguf, len(tokens)).bos_token
    assert begins == {"smollm": None, "gpt-2": None, "llama-bpe": "<|im_start|>", "qwen2": None}


def test_a_word_that_is_a_token_is_not_merged_in_llama_3(tmp_path: Path) -> None:
    def tokens_of(pre: str) -> list[str]:
        tokens = [*SPECIAL, *byte_alphabet(), "ab", "bc", "abc"]
        change: dict[str, object] = {
            "tokenizer.ggml.pre": pre,
            "tokenizer.ggml.bos_token_id": 1,
            "tokenizer.ggml.merges": ["a b", "b c"],
            "tokenizer.ggml.token_type": [3] * len(SPECIAL) + [1] * (len(tokens) - len(SPECIAL)),
        }
        return list(rebuilt(tmp_path / f"{pre}.gguf", tokens, change).encode("abc").tokens)

    assert tokens_of("llama-bpe") == ["abc"]
    assert tokens_of("qwen2") == ["ab", "c"]


BY_BYTES = set("ж苹🚀\t")  # characters that are in no piece, so that they fall back to bytes


def scored_pieces() -> dict[str, float]:
    """Return pieces trained on the torture set, scored by rank, and then single characters."""
    texts = [(SPACE + text).replace(" ", SPACE) for text in TEXTS]
    joined = [left + right for left, right in trained(texts, 250)]
    pieces = dict.fromkeys([*joined, *sorted(set("".join(texts)))])
    return {piece: -float(rank) for rank, piece in enumerate(pieces) if not set(piece) & BY_BYTES}


@pytest.fixture(scope="module")
def scores() -> dict[str, float]:
    return scored_pieces()


@pytest.fixture(scope="module", params=[True, False])
def prefix(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module")
def sentence_piece(
    prefix: bool, scores: dict[str, float], tmp_path_factory: pytest.TempPathFactory
) -> Tokenizer:
    fixed = [UNKNOWN, BEGIN, END, *(f"<0x{byte:02X}>" for byte in range(256))]
    change: dict[str, object] = {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.scores": [0.0] * len(fixed) + list(scores.values()),
        "tokenizer.ggml.token_type": [2, 3, 3] + [6] * 256 + [1] * len(scores),
        "tokenizer.ggml.add_space_prefix": prefix,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.unknown_token_id": 0,
    }
    return rebuilt(tmp_path_factory.mktemp("spm") / "a.gguf", [*fixed, *scores], change)


def scored_plainly(text: str, scores: dict[str, float], prefix: bool) -> list[str]:
    begin = SPACE if prefix and text else ""
    return best_scored(begin + text.replace(" ", SPACE), scores)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text)[:20])
def test_sentence_piece_tokens_on_the_torture_set(
    text: str, scores: dict[str, float], prefix: bool, sentence_piece: Tokenizer
) -> None:
    found = sentence_piece.encode(text)
    assert found.tokens == scored_plainly(text, scores, prefix)
    assert sentence_piece.decode(found.ids) == text


@given(text=any_text)
def test_sentence_piece_tokens_on_any_text(
    text: str, scores: dict[str, float], prefix: bool, sentence_piece: Tokenizer
) -> None:
    text = "".join(character for character in text if character not in "\x85\u2028")
    assert sentence_piece.encode(text).tokens == scored_plainly(text, scores, prefix)


def test_an_end_of_turn_that_a_file_calls_user_defined_is_special(tmp_path: Path) -> None:
    tokens = [*SPECIAL, *byte_alphabet(), "ab", "<end_of_turn>", "</s>"]
    change = {
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3] * len(SPECIAL) + [1] * 257 + [4, 4],
        "tokenizer.ggml.merges": ["a b"],
    }
    path = write_tiny(tmp_path / "a.gguf", change=change)
    with GgufFile(path) as gguf:
        made = read_tokenizer(gguf, len(tokens))
    ends = tokens.index("<end_of_turn>")
    assert made.stop_token_ids == [0, 2, ends], "and </s> is only text here"
    special = {token["content"] for token in made.json["added_tokens"] if token["special"]}
    assert special == {*SPECIAL, "<end_of_turn>"}
