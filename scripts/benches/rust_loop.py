"""Our core against the same loop written plainly in Python: same folder, runtime and threads.

Both compute the same graph, so what differs is everything around it: binding, sampling over the
whole vocabulary, detokenizing, and the interpreter. Two answers are timed, one drawn as chats
draw theirs, one greedily; each rate is that of the tokens after the first.
"""

import sys
from collections.abc import Callable

from figures import Comparison, Neighbours, judge, paired
from ours import answers, as_chats_draw, greedily, load_engine, model_folder, question
from python_loop import Draw, PythonLoop

from gpu_peer import _rust_trt as core
from gpu_peer.rust_engine import MIN_P, REPETITION_PENALTY, TEMPERATURE

ROUNDS = 9
TOKENS = 96
BUDGET = 1.3


def main() -> int:
    neighbours = Neighbours()
    folder = model_folder()
    sampled = Comparison("sampled decode", "Python", BUDGET)
    greedy = Comparison("greedy decode", "Python", BUDGET)
    ways: list[tuple[Comparison, Draw, Callable[[int], core.Sampling]]] = [
        (
            sampled,
            Draw(TEMPERATURE, MIN_P, REPETITION_PENALTY),
            lambda seed: as_chats_draw(TOKENS, seed),
        ),
        (greedy, Draw(), lambda _seed: greedily(TOKENS)),
    ]
    python = PythonLoop(folder)
    with load_engine(folder) as engine:
        for number in range(ROUNDS + 1):
            print(f"round {number} of {ROUNDS}", file=sys.stderr)
            for comparison, draw, sampling in ways:
                rates = paired(
                    number,
                    lambda n=number, s=sampling: (
                        answers(engine, [question(n)], [s(n)])[0].rate
                    ),
                    lambda n=number, d=draw: python.decode_rate(question(n), TOKENS, d),
                )
                if number > 0:  # the first round warms up
                    comparison.add(*rates)
    print(neighbours.report())
    return judge(f"core against Python, median of {ROUNDS} pairs", [sampled, greedy])


if __name__ == "__main__":
    sys.exit(main())
