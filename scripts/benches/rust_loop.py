"""Our core against the same loop in Python: same folder, runtime, device and threads.

All compute the same graph, so what differs is everything around it: the cache's way into it, its
inputs, sampling over the whole vocabulary, detokenizing, and the interpreter. Chats are some turns
old and draw as ours do. Against the loop as one writes it plainly, one chat; against the one that
binds its caches, one chat and eight at once, so that it can be seen what is gained by Rust alone.
"""

import sys

from batch import all_rate
from figures import Comparison, Neighbours, judge, paired
from ours import Messages, answers, as_chats_draw, load_engine, model_folder, prompt_of
from python_loop import BoundNetwork, Draw, PlainNetwork, PythonLoop

from gpu_peer import _rust_trt as core
from gpu_peer.rust_engine import MIN_P, REPETITION_PENALTY, TEMPERATURE

ROUNDS = 7
HISTORY = 512
TOKENS = 96
CHATS = 8
DRAW = Draw(TEMPERATURE, MIN_P, REPETITION_PENALTY)
BUDGET = 1.3


def main() -> int:
    neighbours = Neighbours()
    folder = model_folder()
    plain = Comparison("plain loop", "Python", BUDGET)
    bound = Comparison("bound loop", "Python", None)
    many = Comparison(f"bound loop, {CHATS} chats", "Python", None)
    rivals = [
        (plain, PythonLoop(folder, PlainNetwork(folder)), 1),
        (bound, PythonLoop(folder, BoundNetwork(folder)), 1),
        (many, PythonLoop(folder, BoundNetwork(folder, CHATS)), CHATS),
    ]
    with load_engine(folder) as engine:
        for number in range(ROUNDS + 1):
            print(f"round {number} of {ROUNDS}", file=sys.stderr)
            for comparison, rival, count in rivals:
                chats = asked(engine, number, count)
                rates = paired(
                    number,
                    lambda c=chats: our_rate(engine, c),
                    lambda c=chats, r=rival: r.decode_rate(c, TOKENS, DRAW),
                )
                if number > 0:  # the first round warms up
                    comparison.add(*rates)
    print(neighbours.report())
    return judge(f"core against Python, median of {ROUNDS} pairs", [plain, bound, many])


def our_rate(engine: core.Engine, chats: list[Messages]) -> float:
    drawn = [as_chats_draw(TOKENS, seed) for seed in range(len(chats))]
    found = answers(engine, chats, drawn)
    return found[0].rate if len(chats) == 1 else all_rate(found, [])


def asked(engine: core.Engine, number: int, count: int) -> list[Messages]:
    """Give chats that no other round or rival asks, so that nothing of them is kept."""
    first = 100 * number + 10 * count
    return [prompt_of(HISTORY, first + chat, engine) for chat in range(count)]


if __name__ == "__main__":
    sys.exit(main())
