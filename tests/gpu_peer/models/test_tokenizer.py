"""The rebuilt tokenizer.json against ids that llama.cpp gave for the same vocabulary."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from gpu_peer.models.gguf_file import GgufFile
from gpu_peer.models.gguf_tokenizer import read_tokenizer
from tests.gpu_peer.models.tiny import SPECIAL, tokens, write_tiny

VECTORS = json.loads(Path(__file__).with_name("smollm2_tokens.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def smollm2(model_folder: Path) -> Tokenizer:
    return Tokenizer.from_file(str(model_folder / "tokenizer.json"))


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: ascii(case["text"])[:30])
def test_ids_equal_those_of_llama_cpp(smollm2: Tokenizer, case: dict[str, object]) -> None:
    assert smollm2.encode(case["text"]).ids == case["ids"]


# Control characters and the planes 4 to 15 (unassigned, or private) need bytes that this
# vocabulary does not have; llama.cpp loses them as well.
@given(
    text=st.text(st.characters(exclude_categories=("Cs", "Cc"), max_codepoint=0x3FFFF), max_size=60)
)
def test_any_text_survives_the_round_trip(smollm2: Tokenizer, text: str) -> None:
    ids = smollm2.encode(text).ids
    assert smollm2.decode(ids, skip_special_tokens=False) == text


def test_control_tokens_are_special(smollm2: Tokenizer) -> None:
    ids = smollm2.encode("<|im_start|>user\nHi<|im_end|>").ids
    assert (ids[0], ids[-1]) == (1, 2)
    assert smollm2.decode(ids) == "user\nHi"


def test_facts_beside_the_tokenizer(tmp_path: Path) -> None:
    change = {
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eot_token_id": 7,
    }
    with GgufFile(write_tiny(tmp_path / "a.gguf", change=change)) as gguf:
        tokenizer = read_tokenizer(gguf, len(tokens()))
    assert tokenizer.bos_token == "<|im_start|>"
    assert tokenizer.eos_token == "<|im_end|>"
    assert tokenizer.stop_token_ids == [0, 2, 7]


def test_merges_and_user_defined_tokens_are_kept(tmp_path: Path) -> None:
    kinds = [3] * len(SPECIAL) + [1] * (len(tokens()) - len(SPECIAL))
    kinds[tokens().index("hello")] = 4
    path = write_tiny(tmp_path / "a.gguf", change={"tokenizer.ggml.token_type": kinds})
    with GgufFile(path) as gguf:
        rebuilt = Tokenizer.from_str(json.dumps(read_tokenizer(gguf, len(tokens())).json))
    assert rebuilt.encode("xhello hell").tokens == ["x", "hello", "Ġ", "hell"]
    assert rebuilt.decode(rebuilt.encode("hello").ids) == "hello"


def test_special_text_is_not_cut_by_what_stands_around_it(smollm2: Tokenizer) -> None:
    assert smollm2.encode("a<|im_end|>b").tokens == ["a", "<|im_end|>", "b"]


def test_digits_are_cut_before_merging(tmp_path: Path) -> None:
    def cut(pre: str) -> list[str]:
        path = write_tiny(tmp_path / f"{pre}.gguf", change={"tokenizer.ggml.pre": pre})
        with GgufFile(path) as gguf:
            rebuilt = Tokenizer.from_str(json.dumps(read_tokenizer(gguf, len(tokens())).json))
        return list(rebuilt.encode("a12").tokens)

    assert cut("smollm") == ["a", "1", "2"]
    assert cut("gpt-2") == ["a", "12"]
