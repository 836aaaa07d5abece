"""Our engine against llama.cpp: the same GGUF, the same token ids, the same number of threads.

Both are loaded once and wait while the other computes. Prefill is a prompt of 512 tokens to the
first token of its answer; decode is the rate of the tokens after the first, drawn greedily. Ours is
timed from outside the core, with tokenizing and events; llama.cpp around its own evaluation.
"""

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from figures import Comparison, Neighbours, judge, paired
from ours import CONTEXT, THREADS, answers, greedily, load_engine, model_folder, prompt_of, question

from gpu_peer import _rust_trt as core
from gpu_peer.models.embedded import embedded_gguf

HERE = Path(__file__).resolve().parent / "llama_cpp"
ROUNDS = 9
PREFILL = 512
TOKENS = 96
BUDGET = 1.0


class LlamaCpp:
    """A process that keeps llama.cpp loaded and answers one line with one line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in, self._out = process.stdin, process.stdout
        self._read()

    def time_answer(self, ids: list[int], tokens: int) -> tuple[float, float]:
        """Give the seconds from feeding `ids` to the first and to the last of so many tokens."""
        self._in.write(json.dumps({"ids": ids, "tokens": tokens}) + "\n")
        self._in.flush()
        answer = self._read()
        return answer["first"], answer["last"]

    def _read(self) -> dict[str, float]:
        line = self._out.readline()
        if not line:
            raise SystemExit("llama.cpp ended; what it said is above.")
        answer: dict[str, float] = json.loads(line)
        return answer


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


@contextlib.contextmanager
def llama_cpp() -> Iterator[LlamaCpp]:
    """Start llama.cpp on the GGUF that our model folder was made from."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise SystemExit(f"{tool} is missing: llama.cpp comes as an npm package.")
    if not (HERE / "node_modules" / ".package-lock.json").exists():
        subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=HERE, check=True, stdout=sys.stderr)
    command = ["node", "serve.mjs", str(embedded_gguf()), str(THREADS), str(CONTEXT)]
    with subprocess.Popen(
        command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield LlamaCpp(process)
        assert process.stdin is not None
        process.stdin.close()


if __name__ == "__main__":
    sys.exit(main())
