"""Our core against the same loop written plainly in Python: same folder, runtime and threads.

Both compute the same graph, so what differs is everything around it: binding, sampling over the
whole vocabulary, detokenizing, and the interpreter. Two answers are timed, one drawn as chats
draw theirs, one greedily; each rate is the difference of a long and a short one.
"""

import sys
from collections.abc import Callable

from figures import Comparison, Neighbours, judge, paired
from ours import Messages, load_engine, model_folder, question, time_answer
from python_loop import Draw, PythonLoop

from gpu_peer import _rust_trt as core
from gpu_peer.rust_engine import MIN_P, REPETITION_PENALTY, TEMPERATURE

ROUNDS = 9
SHORT, LONG = 16, 96
SAMPLED = Draw(TEMPERATURE, MIN_P, REPETITION_PENALTY)
GREEDY = Draw()
BUDGET = 1.3


def main() -> int:
    neighbours = Neighbours()
    folder = model_folder()
    sampled = Comparison("sampled decode", "Python", BUDGET)
    greedy = Comparison("greedy decode", "Python", BUDGET)
    python = PythonLoop(folder)
    with load_engine(folder) as engine:
        for number in range(ROUNDS + 1):
            print(f"round {number} of {ROUNDS}", file=sys.stderr)
            for comparison, draw in ((sampled, SAMPLED), (greedy, GREEDY)):
                rates = paired(
                    number,
                    lambda n=number, d=draw: decode_rate(n, rust(engine, d, n)),
                    lambda n=number, d=draw: decode_rate(
                        n, lambda messages, tokens: python.time_answer(messages, tokens, d)
                    ),
                )
                if number > 0:  # the first round warms up
                    comparison.add(*rates)
    print(neighbours.report())
    return judge(f"core against Python, median of {ROUNDS} pairs", [sampled, greedy])


def rust(engine: core.Engine, draw: Draw, seed: int) -> Callable[[Messages, int], float]:
    def time(messages: Messages, tokens: int) -> float:
        sampling = core.Sampling(
            max_tokens=tokens,
            temperature=draw.temperature,
            min_p=draw.min_p,
            repetition_penalty=draw.repetition_penalty,
            seed=seed,
        )
        return time_answer(engine, messages, sampling)

    return time


def decode_rate(number: int, seconds: Callable[[Messages, int], float]) -> float:
    # Two questions, so that the second finds nothing of the first in a cache.
    short = seconds(question(2 * number), SHORT)
    long = seconds(question(2 * number + 1), LONG)
    return (LONG - SHORT) / (long - short)


if __name__ == "__main__":
    sys.exit(main())
