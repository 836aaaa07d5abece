"""The first token of a chat's second turn against that of a cold one.

Both prompts have the same length and share nothing with what was asked before, but that the second
turn's history was answered here. Between the two turns another chat is answered, as when a person
switches between chats.
"""

import sys

from figures import Limit, Neighbours, judge
from ours import (
    Messages,
    answers,
    as_chats_draw,
    load_engine,
    model_folder,
    prompt_of,
    question,
)

from gpu_peer import _rust_trt as core

ROUNDS = 7
HISTORY = 1000
CONTEXT = 2048
ANSWER = 48
BUDGET = 0.3


def main() -> int:
    neighbours = Neighbours()
    share = Limit("second turn's first token of a cold one's", BUDGET)
    with load_engine(model_folder(), CONTEXT) as engine:
        for number in range(ROUNDS + 1):
            cold, warm, prompt_tokens, cached = turn(engine, number)
            print(
                f"round {number} of {ROUNDS}: {prompt_tokens} tokens, {cached} of them kept; "
                f"cold {cold * 1000:.0f} ms, second turn {warm * 1000:.0f} ms",
                file=sys.stderr,
            )
            if number > 0:  # the first round warms up
                share.add(warm / cold)
    print(neighbours.report())
    return judge(f"prefix cache at {HISTORY} tokens of history, median of {ROUNDS}", [share])


def turn(engine: core.Engine, number: int) -> tuple[float, float, int, int]:
    """Give the first token's seconds, cold and in a second turn; its prompt's and kept tokens."""
    first = prompt_of(HISTORY - ANSWER, 2 * number, engine)
    [answer] = answers(engine, [first], [as_chats_draw(ANSWER, number)])
    answers(engine, [question(number)], [as_chats_draw(ANSWER, number)])
    [warm] = answers(engine, [following(first, answer.text)], [as_chats_draw(2, number)])
    other = prompt_of(HISTORY - ANSWER, 2 * number + 1, engine)
    [cold] = answers(engine, [following(other, answer.text)], [as_chats_draw(2, number)])
    return cold.first_s, warm.first_s, warm.prompt_tokens, warm.cached_tokens


def following(turns: Messages, answer: str) -> Messages:
    return [*turns, ("assistant", answer), ("user", "And what did the keeper do then?")]


if __name__ == "__main__":
    sys.exit(main())
