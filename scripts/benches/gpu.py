"""The engine on this machine's NVIDIA card, with each way there is to use it.

TensorRT is tried even on a card that it is not made for, so that what it says of it is on record;
then CUDA. For each: whether its logits are those of the CPU over the same float16 folder, decode as
a share of what the card's memory allows, and llama.cpp on the card beside it. Without a card it
says so in a sentence, and that is no failure.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from gpu_device import CHATS, PREFILL, TOKENS, Figures, middle
from ours import MODELS, load_engine, model_folder, prompt_of, question
from rival import llama_cpp

from gpu_peer.devices.choice import obstacle
from gpu_peer.devices.machine import Card, Machine, Packages
from gpu_peer.devices.probe import probe_machine, probe_packages
from gpu_peer.models.embedded import embedded_gguf
from gpu_peer.models.folder import read_manifest
from gpu_peer.models.store import ensure_model
from gpu_peer.tensorrt.libraries import link_libraries, provider_library, with_libraries

HERE = Path(__file__).resolve().parent
SHARE_BUDGET = 0.8  # of what the memory's bandwidth allows
RIVAL_BUDGET = 1.3  # of llama.cpp
SECOND_TURN_BUDGET = 0.3  # of a cold first token
SAME_BUDGET = 0.03  # of the logits' spread: float16 sums in another order
GPU = ("tensorrt", "cuda")


def main() -> int:
    machine, packages = probe_machine(), probe_packages()
    if not machine.cards:
        print(obstacle("cuda", machine, packages))
        return 0
    card = machine.cards[0]
    print(f"{card.name}, compute capability {card.capability_text}, driver {machine.driver}")
    folder = ensure_model(embedded_gguf(), MODELS, dtype="f16")
    with tempfile.TemporaryDirectory(prefix="hearth-bench-") as scratch:
        places = {device: Path(scratch) / device for device in ("cpu", *GPU)}
        for place in places.values():
            place.mkdir()
        if failure := measure("cpu", folder, places["cpu"]):
            raise SystemExit(f"The CPU does not run the float16 folder: {failure}")
        expected = np.load(places["cpu"] / "logits.npy")
        measured = {}
        for device in GPU:
            say_choice(device, machine, packages)
            if failure := measure(device, folder, places[device]):
                print(f"  {device} does not run: {failure}")
                continue
            figures = Figures(**json.loads((places[device] / "figures.json").read_text("utf-8")))
            difference = distance(np.load(places[device] / "logits.npy"), expected)
            measured[device] = (figures, difference)
    if not measured:
        print("No way to use the card works; see above.")
        return 1
    rival = rival_rates()
    return max([report(device, *found, card, folder, rival) for device, found in measured.items()])


def say_choice(device: str, machine: Machine, packages: Packages) -> None:
    """Print what `auto` thinks of the device."""
    assert device in ("tensorrt", "cuda")
    reason = obstacle(device, machine, packages)
    print(f"{device}: {'would be chosen' if reason is None else reason}")


def measure(device: str, folder: Path, out: Path) -> str | None:
    """Measure in a process of its own; gives its last words where it fails."""
    environment = dict(os.environ)
    provider = provider_library()
    if device == "tensorrt" and provider is None:
        return "its package is not installed"
    if provider is not None:
        libraries = out / "libraries"
        libraries.mkdir()
        link_libraries(provider, libraries)
        environment = with_libraries(environment, libraries)
    command = [sys.executable, str(HERE / "gpu_device.py"), device, str(folder), str(out)]
    done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode == 0:
        return None
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return f"{lines[-1] if lines else 'it said nothing'} (status {done.returncode})"


def distance(ours: np.ndarray, expected: np.ndarray) -> float:
    """Give the root mean square of the difference, as a share of the logits' own spread."""
    return float(np.sqrt(((ours - expected) ** 2).mean()) / expected.std())


def bytes_of_a_token(folder: Path, positions: int) -> int:
    """Give what is read for one token: all weights but the embedding, and the cache."""
    graph = onnx.load(folder / "model.onnx", load_external_data=False).graph
    sizes = {
        tensor.name: int(item.value)
        for tensor in graph.initializer
        for item in tensor.external_data
        if item.key == "length"
    }
    looked_up = {node.input[0] for node in graph.node if node.op_type == "Gather"}
    tables = {
        name
        for node in graph.node
        if node.op_type == "GroupQueryAttention"
        for name in node.input[7:9]
    }
    manifest = read_manifest(folder)
    width = manifest["layers"] * manifest["kv_heads"] * manifest["head_dim"]
    weights = sum(size for name, size in sizes.items() if name not in looked_up | tables)
    return weights + positions * 2 * width * 2


def rival_rates() -> tuple[float, float] | None:
    """Give llama.cpp's decode and prefill on the card; None, with a sentence, where it fails."""
    try:
        with load_engine(model_folder()) as words, llama_cpp(cuda=True) as rival:
            decode, prefill = [], []
            for number in range(6):
                first, last = rival.time_answer(words.encode_chat(question(number)), TOKENS)
                decode.append((TOKENS - 1) / (last - first))
                first, _ = rival.time_answer(
                    words.encode_chat(prompt_of(PREFILL, number, words)), 1
                )
                prefill.append(PREFILL / first)
            return middle(decode[1:]), middle(prefill[1:])
    except (SystemExit, OSError, subprocess.CalledProcessError) as error:
        print(f"llama.cpp with CUDA could not be brought: {error}")
        return None


def report(
    device: str,
    figures: Figures,
    difference: float,
    card: Card,
    folder: Path,
    rival: tuple[float, float] | None,
) -> int:
    """Print the figures of a device and its verdict; gives 0 where all budgets are met."""
    decode, together = middle(figures.decode), middle(figures.decode_together)
    prefill = middle(figures.prefill)
    second = middle(figures.second_turn_s) / middle(figures.cold_s)
    print(f"{device}")
    print(f"  loaded in {figures.load_s:.1f} s, {figures.memory_bytes / 1e9:.2f} GB of the card")
    print(f"  decode   {decode:8.0f} tokens/s alone, {together:8.0f} for {CHATS} chats together")
    print(f"  prefill  {prefill:8.0f} tokens/s, first token {middle(figures.cold_s) * 1e3:.1f} ms")
    verdicts = [
        ("logits differ", difference, difference <= SAME_BUDGET, SAME_BUDGET),
        ("second turn", second, second <= SECOND_TURN_BUDGET, SECOND_TURN_BUDGET),
    ]
    bandwidth = figures.bandwidth_bytes_s or card.bandwidth_bytes_s
    if bandwidth is not None:
        how = "copied" if figures.bandwidth_bytes_s else "by clock and bus"
        possible = bandwidth / bytes_of_a_token(folder, TOKENS // 2 + 32)
        share = decode / possible
        print(f"  memory   {bandwidth / 1e9:8.0f} GB/s {how}, which allows {possible:.0f} tokens/s")
        verdicts.append(("decode of bandwidth", share, share >= SHARE_BUDGET, SHARE_BUDGET))
    if rival is not None:
        print(f"  llama.cpp with CUDA: decode {rival[0]:.0f}, prefill {rival[1]:.0f} tokens/s")
        for what, ours, theirs in (("decode", decode, rival[0]), ("prefill", prefill, rival[1])):
            ratio = ours / theirs
            verdicts.append((f"{what} of llama.cpp", ratio, ratio >= RIVAL_BUDGET, RIVAL_BUDGET))
    said = ", ".join(f"{what} {value:.2f} (budget {limit})" for what, value, _, limit in verdicts)
    print(f"engine on {device}: {said}")
    return 0 if all(met for _, _, met, _ in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
