"""What becomes of a tokenizer in a model folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_END_OF_TEXT = "</s>"  # Gemma has it as the end of struck-out HTML: only a control token ends text
END_OF_TURN = frozenset(
    {"<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<end_of_turn>"}
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


def ends(special: Iterable[tuple[int, str]]) -> set[int]:
    """Return which of the control tokens, as (id, text), end a turn or a text."""
    return {i for i, text in special if text in END_OF_TURN or text == _END_OF_TEXT}
