"""Memory beyond the weights and the cache, and whether it grows with the number of answers.

The engine is loaded in this process and nothing else is. What it takes beyond is the peak of
resident memory, less what the process had before, less the weights' file, less the cache's rows.
"""

import sys
from pathlib import Path

from figures import Limit, judge
from ours import CONTEXT, answers, as_chats_draw, load_engine, model_folder, prompt_of, question

from gpu_peer import _rust_trt as core
from gpu_peer.models.folder import read_manifest

MB = 1e6
GENERATIONS = 2000
BESIDE = 8
TOKENS = 8
WARM = 200
BEYOND_MB = 300.0
GROWTH_MB = 8.0  # of the allocator's own coming and going; 4 KB an answer would show
STATUS = Path("/proc/self/status")


def main() -> int:
    if not STATUS.exists():
        print("Memory is only measured on Linux.")
        return 0
    folder = model_folder()
    before = resident("VmRSS")
    weights = sum(file.stat().st_size for file in folder.glob("model.onnx*")) / MB
    with load_engine(folder) as engine:
        cache = 8 * row_mb(folder)
        full(engine)
        for done in range(0, GENERATIONS, BESIDE):
            if done == WARM:
                warm = resident("VmRSS")
            if done % 200 == 0:
                print(f"{done} answers: {resident('VmRSS'):.0f} MB", file=sys.stderr)
            numbers = range(done, done + BESIDE)
            answers(
                engine, [question(n) for n in numbers], [as_chats_draw(TOKENS, n) for n in numbers]
            )
        beyond = Limit("peak beyond weights and cache", BEYOND_MB, "MB")
        beyond.add(resident("VmHWM") - before - weights - cache)
        growth = Limit(f"growth over {GENERATIONS} answers", GROWTH_MB, "MB")
        growth.add(resident("VmRSS") - warm)
    print(f"weights {weights:.0f} MB, cache {cache:.0f} MB, process before {before:.0f} MB")
    return judge("memory", [beyond, growth])


def full(engine: core.Engine) -> None:
    """Fill every row of the cache once, so that all its memory is really there."""
    prompts = [prompt_of(CONTEXT - 2 * TOKENS, n, engine) for n in range(BESIDE)]
    answers(engine, prompts, [as_chats_draw(TOKENS, n) for n in range(BESIDE)])


def row_mb(folder: Path) -> float:
    manifest = read_manifest(folder)
    return (
        2 * int(manifest["layers"]) * manifest["kv_heads"] * manifest["head_dim"] * CONTEXT * 4 / MB
    )


def resident(line: str) -> float:
    """Resident memory now (VmRSS) or at most so far (VmHWM), in MB."""
    for entry in STATUS.read_text().splitlines():
        if entry.startswith(line):
            return int(entry.split()[1]) * 1024 / MB
    raise SystemExit(f"{STATUS} has no {line}.")


if __name__ == "__main__":
    sys.exit(main())
