"""Our engine against llama.cpp: the same GGUF, the same token ids, the same number of threads.

Both are loaded once and wait while the other computes. Prefill is a prompt of 512 tokens to the
first token of its answer; decode is the difference of a long and a short answer to one question, so
that what every answer costs once does not count. Ours is timed from outside the core, with
tokenizing and events; llama.cpp around its own evaluation.
"""

import sys

from figures import Comparison, Neighbours, judge, paired
from ours import THREADS, load_engine, model_folder, prompt_of, question, time_answer
from rival import LlamaCpp, llama_cpp

from gpu_peer import _rust_trt as core

ROUNDS = 9
PREFILL = 512
SHORT, LONG = 16, 96
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
                lambda n=number: PREFILL / prefill_s(engine, n),
                lambda n=number: PREFILL / rival.time_answer(prompt_ids(engine, n), 1),
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


def prefill_s(engine: core.Engine, number: int) -> float:
    messages = prompt_of(PREFILL, number, engine)
    return time_answer(engine, messages, core.Sampling(max_tokens=1))


def prompt_ids(engine: core.Engine, number: int) -> list[int]:
    return engine.encode_chat(prompt_of(PREFILL, number, engine))


def decode_rate(engine: core.Engine, number: int) -> float:
    # Two questions, so that the second finds nothing of the first in a cache.
    short = time_answer(engine, question(2 * number), core.Sampling(max_tokens=SHORT))
    long = time_answer(engine, question(2 * number + 1), core.Sampling(max_tokens=LONG))
    return (LONG - SHORT) / (long - short)


def rival_decode_rate(rival: LlamaCpp, engine: core.Engine, number: int) -> float:
    short = rival.time_answer(engine.encode_chat(question(2 * number)), SHORT)
    long = rival.time_answer(engine.encode_chat(question(2 * number + 1)), LONG)
    return (LONG - SHORT) / (long - short)


if __name__ == "__main__":
    sys.exit(main())
