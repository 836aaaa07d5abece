"""Measures one device in a process of its own, and writes what it found as JSON.

TensorRT may end a process that gives it what it does not take; then the bench itself goes on.
"""

import json
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bandwidth import copy_bandwidth
from ours import CONTEXT, Messages, answers, greedily, prompt_of, question

from gpu_peer import _rust_trt as core
from gpu_peer.devices.probe import probe_machine
from gpu_peer.rust_engine import runtime_library
from gpu_peer.tensorrt.libraries import provider_library

ROUNDS = 5
PREFILL = 512
TOKENS = 160
CHATS = 8
PARITY = 3


@dataclass(frozen=True)
class Figures:
    """What a device gave. Times in seconds, rates in tokens a second, all rounds of each."""

    load_s: float
    memory_bytes: int
    bandwidth_bytes_s: float | None
    decode: list[float]
    decode_together: list[float]
    prefill: list[float]
    cold_s: list[float]
    second_turn_s: list[float]


def main(device: str, folder: Path, out: Path) -> None:
    """Measure; `out` is a folder for `figures.json` and `logits.npy`."""
    bandwidth = None if device == "cpu" else copy_bandwidth()
    free = _free()
    started = time.perf_counter()
    with _load(device, folder, out) as engine:
        load_s = time.perf_counter() - started
        np.save(out / "logits.npy", _logits(engine))
        if device == "cpu":
            return
        memory = free - _free()
        rounds = [_round(engine, number) for number in range(ROUNDS + 1)][1:]  # the first warms up
        columns = {name: [one[name] for one in rounds] for name in rounds[0]}
        figures = Figures(load_s, memory, bandwidth, **columns)
    (out / "figures.json").write_text(json.dumps(asdict(figures)), encoding="utf-8")


def _load(device: str, folder: Path, out: Path) -> core.Engine:
    options: dict[str, Any] = {}
    if device == "tensorrt":
        options["provider_library"] = str(provider_library())
        options["provider_cache"] = str(out / "kernels")
    return core.Engine.load(
        folder, library=runtime_library(), device=device, context_length=CONTEXT, **options
    )


def _logits(engine: core.Engine) -> np.ndarray:
    prompts = [
        engine.encode_chat(prompt_of(64 << number, number, engine)) for number in range(PARITY)
    ]
    return np.stack([np.frombuffer(engine.logits(ids), dtype=np.float32) for ids in prompts])


def _round(engine: core.Engine, number: int) -> dict[str, float]:
    def rate(first: int, count: int) -> float:
        """Give tokens a second of all together, from when all have begun to when the first ends."""
        # Each question begins with its own number, so that nothing of it is in a cache.
        prompts = [question(10_000 * number + first + each) for each in range(count)]
        found = answers(engine, prompts, [greedily(TOKENS)] * count)
        start = max(one.pieces[0][0] for one in found)
        end = min(one.pieces[-1][0] for one in found)
        return sum(one.tokens_between(start, end) for one in found) / (end - start)

    prompt = prompt_of(PREFILL, number, engine)
    turn: Messages = [*prompt, ("assistant", "It was night."), ("user", "And then?")]
    (cold,) = answers(engine, [prompt], [greedily(1)])
    (second,) = answers(engine, [turn], [greedily(1)])
    return {
        "decode": rate(1, 1),
        "decode_together": rate(100, CHATS),
        "prefill": PREFILL / cold.first_s,
        "cold_s": cold.first_s,
        "second_turn_s": second.first_s,
    }


def _free() -> int:
    cards = probe_machine().cards
    return cards[0].free_bytes if cards else 0


def middle(values: list[float]) -> float:
    """Give the median."""
    return statistics.median(values)


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    except core.EngineError as error:
        sys.exit(str(error))
