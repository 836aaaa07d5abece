"""Eight chats at once against one, and what a long prompt costs the answer beside it.

The rate of many is counted while all of them answer: from the first token of the last one to begin
to the last token of the first one to end.
"""

import itertools
import statistics
import sys
import time

from figures import Comparison, Limit, Neighbours, judge, paired
from ours import (
    Answer,
    answers,
    as_chats_draw,
    collect,
    load_engine,
    model_folder,
    prompt_of,
    question,
)

from gpu_peer import _rust_trt as core

CHATS = 8
ROUNDS = 9
TOKENS = 96
LONG_PROMPT = 900
TOGETHER = 2.5
SLOWEST = 0.6
STALL_MS = 200.0


def main() -> int:
    neighbours = Neighbours()
    together = Comparison(f"{CHATS} chats", "1 chat", TOGETHER)
    slowest = Comparison("slowest chat", "mean", SLOWEST)
    stall = Limit("longest wait beside a long prompt", STALL_MS, "ms")
    with load_engine(model_folder()) as engine:
        for number in range(ROUNDS + 1):
            print(f"round {number} of {ROUNDS}", file=sys.stderr)
            shares: list[list[float]] = []
            rates = paired(
                number,
                lambda n=number, s=shares: all_rate(ask(engine, n, CHATS), s),
                lambda n=number: ask(engine, n, 1)[0].rate,
            )
            wait = wait_beside_prompt(engine, number)
            if number > 0:  # the first round warms up
                together.add(*rates)
                slowest.add(min(shares[0]), statistics.mean(shares[0]))
                stall.add(wait * 1000)
    print(neighbours.report())
    return judge(f"many chats, median of {ROUNDS} pairs", [together, slowest, stall])


def ask(engine: core.Engine, number: int, chats: int) -> list[Answer]:
    numbers = [number * 100 + chats * 10 + chat for chat in range(chats)]
    prompts = [question(n) for n in numbers]
    return answers(engine, prompts, [as_chats_draw(TOKENS, n) for n in numbers])


def all_rate(chats: list[Answer], shares: list[list[float]]) -> float:
    """Give the tokens a second of all together; each one's go into `shares`."""
    start = max(chat.pieces[0][0] for chat in chats)
    end = min(chat.pieces[-1][0] for chat in chats)
    shares.append([chat.tokens_between(start, end) / (end - start) for chat in chats])
    return sum(shares[-1])


def wait_beside_prompt(engine: core.Engine, number: int) -> float:
    """Give the longest wait between two tokens of an answer while a long prompt is fed."""
    found = {"running": Answer(time.perf_counter()), "prompt": Answer(0.0)}
    engine.submit("running", question(10_000 + number), as_chats_draw(TOKENS, number))
    long = prompt_of(LONG_PROMPT, number, engine)
    found["prompt"].submitted = time.perf_counter()
    engine.submit("prompt", long, as_chats_draw(1, number))
    collect(engine, found)
    running, prompt = found["running"], found["prompt"]
    beside = [at for at, _ in running.pieces if prompt.submitted <= at <= prompt.ended]
    return max(later - earlier for earlier, later in itertools.pairwise(beside))


if __name__ == "__main__":
    sys.exit(main())
