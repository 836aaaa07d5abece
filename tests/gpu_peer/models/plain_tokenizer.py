"""Tokenizers written plainly from their rules, and vocabularies trained on the texts of the tests.

They share nothing with the exporter: text is cut by a loop over characters and their Unicode
categories where tokenizer.json has an expression, and pieces are merged one pair at a time.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

from tests.gpu_peer.models.tiny import byte_alphabet

SPACE = "\u2581"
UNKNOWN, BEGIN, END = "<unk>", "<s>", "</s>"

_BLANKS = set("\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | {
    chr(code) for code in range(0x2000, 0x200B)
}
_CONTRACTIONS = ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d")


def cut(text: str, digits: int) -> list[str]:
    """Return the pieces of Llama 3 (`digits` = 3) or Qwen2 (1)."""
    pieces = []
    while text:
        length = _piece(text, digits)
        pieces.append(text[:length])
        text = text[length:]
    return pieces


def _piece(text: str, digits: int) -> int:
    for contraction in _CONTRACTIONS:
        if text[: len(contraction)].lower() == contraction:
            return len(contraction)
    first = text[0]
    lead = 0 if _is_letter(first) or _is_number(first) or first in "\r\n" else 1
    letters = _run(text, lead, _is_letter)
    if letters:
        return lead + letters
    if _is_number(first):
        return min(_run(text, 0, _is_number), digits)
    lead = 1 if first == " " else 0
    symbols = _run(text, lead, _is_symbol)
    if symbols:
        end = lead + symbols
        return end + _run(text, end, lambda character: character in "\r\n")
    blanks = _run(text, 0, lambda character: character in _BLANKS)
    breaks = max(text[:blanks].rfind("\r"), text[:blanks].rfind("\n"))
    if breaks >= 0:
        return breaks + 1
    return blanks if blanks in (1, len(text)) else blanks - 1


def _run(text: str, start: int, wanted: Callable[[str], bool]) -> int:
    length = 0
    while start + length < len(text) and wanted(text[start + length]):
        length += 1
    return length


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] == "L"


def _is_number(character: str) -> bool:
    return unicodedata.category(character)[0] == "N"


def _is_symbol(character: str) -> bool:
    return not (_is_letter(character) or _is_number(character) or character in _BLANKS)


def as_bytes(text: str) -> str:
    """Return `text` as GPT-2 writes its bytes."""
    return "".join(byte_alphabet()[byte] for byte in text.encode())


def trained(pieces: list[str], count: int) -> list[tuple[str, str]]:
    """Return the `count` merges that join the most frequent pair of all pieces, one at a time."""
    words = [list(piece) for piece in pieces]
    merges = []
    for _ in range(count):
        pairs = Counter(pair for word in words for pair in pairwise(word))
        best = max(sorted(pairs), key=lambda pair: pairs[pair])
        merges.append(best)
        words = [_joined(word, best) for word in words]
    return merges


def merged(piece: str, merges: list[tuple[str, str]], *, whole_first: bool = False) -> list[str]:
    """Return the tokens of one piece: of all pairs the one of best rank first, from the left."""
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    if whole_first and piece in {left + right for left, right in merges}:
        return [piece]
    word = list(piece)
    while pairs := [(ranks[pair], i) for i, pair in enumerate(pairwise(word)) if pair in ranks]:
        _, i = min(pairs)
        word[i : i + 2] = [word[i] + word[i + 1]]
    return word


def best_scored(text: str, scores: dict[str, float]) -> list[str]:
    """Return the tokens of SentencePiece: of all pairs the best scored union first, from the left.

    A character without a score becomes its bytes.
    """
    word = list(text)
    while pairs := [
        (-scores[left + right], i)
        for i, (left, right) in enumerate(pairwise(word))
        if left + right in scores
    ]:
        _, i = min(pairs)
        word[i : i + 2] = [word[i] + word[i + 1]]
    return [token for part in word for token in _with_bytes(part, scores)]


def _with_bytes(part: str, scores: dict[str, float]) -> Iterator[str]:
    if part in scores:
        yield part
    else:
        yield from (f"<0x{byte:02X}>" for byte in part.encode())


def _joined(word: list[str], pair: tuple[str, str]) -> list[str]:
    result: list[str] = []
    for symbol in word:
        if result and (result[-1], symbol) == pair:
            result[-1] += symbol
        else:
            result.append(symbol)
    return result
