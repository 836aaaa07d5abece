"""Our engine against llama.cpp: the same GGUF, the same token ids, the same number of threads.

Both are loaded once and wait while the other computes. Prefill is a prompt of 512 tokens to the
first token of its answer; decode is the rate of the tokens after the first, drawn greedily. Ours is
timed from outside the core, with tokenizing and events; llama.cpp around its own evaluation.
"""

import sys

from figures import Comparison, Neighbours, judge, paired
from ours import THREADS, answers, greedily, load_engine, model_folder, prompt_of, question
from rival import LlamaCpp, llama_cpp

from gpu_peer import _rust_trt as core

ROUNDS = 9
PREFILL = 512
TOKENS = 96
BUDGET = 1.0


def main() -> int:
    neighbours = Neighbours()
    decode = Comparison("decode", "llama.cpp", BUDGET)
    prefill = Comparison("prefill", "llama.cpp", BUDGET)
    with load_engine(model_folder()) as engine, llama_cpp() as rival:
        for number in range(ROUNDS + 1):
            print(f"round {number} of {ROUNDS}", file=sys.stderr)
            fed = paired(
                number,
                lambda n=number: prefill_rate(engine, n),
                lambda n=number: rival_prefill_rate(rival, engine, n),
            )
            drawn = paired(
                number,
                lambda n=number: decode_rate(engine, n),
                lambda n=number: rival_decode_rate(rival, engine, n),
            )
            if number > 0:  # the first round warms up
                prefill.add(*fed)
                decode.add(*drawn)
    print(neighbours.report())
    return judge(
        f"engine against llama.cpp, {THREADS} threads, median of {ROUNDS} pairs", [decode, prefill]
    )


def prefill_rate(engine: core.Engine, number: int) -> float:
    # Two tokens: the first text may wait for the rest of its character.
    [answer] = answers(engine, [prompt_of(PREFILL, number, engine)], [greedily(2)])
    return PREFILL / answer.first_s


def rival_prefill_rate(rival: LlamaCpp, engine: core.Engine, number: int) -> float:
    first, _ = rival.time_answer(engine.encode_chat(prompt_of(PREFILL, number, engine)), 1)
    return PREFILL / first


def decode_rate(engine: core.Engine, number: int) -> float:
    [answer] = answers(engine, [question(number)], [greedily(TOKENS)])
    return answer.rate


def rival_decode_rate(rival: LlamaCpp, engine: core.Engine, number: int) -> float:
    first, last = rival.time_answer(engine.encode_chat(question(number)), TOKENS)
    return (TOKENS - 1) / (last - first)


if __name__ == "__main__":
    sys.exit(main())
