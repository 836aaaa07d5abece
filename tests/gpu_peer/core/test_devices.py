"""Which device a model runs on, and the way a card is driven, on a machine without one.

`emulated` is the processor behind all that is done for a card: the cache in the memory of the
session's own allocator, rows copied as tensors, and a mask as long as the cache. What it cannot
show is the provider itself.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from gpu_peer import _rust_trt as core
from gpu_peer.rust_engine import runtime_library
from tests.gpu_peer.support.generations import drain, user

ROOT = Path(__file__).parents[3]
BEGINNING = "Tell me about the sea, its fish and its storms. " * 8
"""Long enough to be worth keeping."""
QUESTIONS = ["Name a colour.", "Tell me about the sea. " * 9, "Count to ten, slowly and aloud."]


@pytest.fixture(scope="module", params=["model_folder", "half_model_folder"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[core.Engine, core.Engine]]:
    """The same model on the processor, driven as such and as a card."""
    folder, library = request.getfixturevalue(request.param), runtime_library()
    size = {"threads": 2, "context_length": 512, "max_active": 3}
    with (
        core.Engine.load(folder, library=library, device="cpu", **size) as plain,
        core.Engine.load(folder, library=library, device="emulated", **size) as emulated,
    ):
        yield plain, emulated


def test_a_card_is_told_from_the_processor(pair: tuple[core.Engine, core.Engine]) -> None:
    assert [engine.info.device for engine in pair] == ["cpu", "emulated"]
    assert pair[0].info.decodes_together == pair[1].info.decodes_together


@pytest.mark.parametrize("chunk", [0, 1])
def test_driven_as_a_card_it_computes_the_same_bits(
    pair: tuple[core.Engine, core.Engine], chunk: int
) -> None:
    plain, emulated = pair
    for question in QUESTIONS:
        ids = plain.encode_chat(user(question))
        assert emulated.logits(ids, chunk=chunk) == plain.logits(ids, chunk=chunk)


def test_rows_are_moved_within_a_card(pair: tuple[core.Engine, core.Engine]) -> None:
    """Answers end at different times, so rows are exchanged; a beginning that another answer
    has computed is copied."""

    def talk(engine: core.Engine) -> list[str]:
        for turn in range(7):
            sampling = core.Sampling(max_tokens=3 + 4 * turn, temperature=1.0, seed=turn)
            engine.submit(str(turn), user(f"{BEGINNING} {QUESTIONS[turn % 3]}"), sampling)
        ended = drain(engine, *map(str, range(7)))
        assert sum(end.cached_tokens > 0 for _, end in ended.values()) >= 4
        return [ended[str(turn)][0] for turn in range(7)]

    plain, emulated = pair
    assert talk(emulated) == talk(plain)


def test_too_little_memory_of_a_card_is_a_sentence(model_folder: Path) -> None:
    """More than any address space holds."""
    with pytest.raises(core.MemoryShort, match="there is not that much") as caught:
        core.Engine.load(
            model_folder,
            library=runtime_library(),
            device="emulated",
            context_length=8192,
            max_active=1 << 20,
        )
    assert caught.value.code == "memory_short"


def refusal(device: str, folder: Path, **options: object) -> str:
    with pytest.raises(core.DeviceUnavailable) as caught:
        core.Engine.load(folder, library=runtime_library(), device=device, **options)  # type: ignore[arg-type]
    assert caught.value.code == "device_unavailable"
    assert "'cpu'" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("device", "package"),
    [("tensorrt", "onnxruntime-ep-nv-tensorrt-rtx-cu13"), ("cuda", "onnxruntime-gpu")],
)
def test_a_provider_that_is_not_installed_is_named(
    model_folder: Path, tmp_path: Path, device: str, package: str
) -> None:
    assert package in refusal(device, model_folder, provider_library=tmp_path / "none.so")


def test_a_file_that_is_no_provider(model_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "provider.so"
    file.write_text("text")
    for _ in range(2):  # a failure leaves nothing behind
        sentence = refusal("tensorrt", model_folder, provider_library=file)
        assert "cannot be loaded" in sentence


def test_the_core_leaves_the_choice_to_others(model_folder: Path) -> None:
    refusal("auto", model_folder)


TENSORRT = find_spec("onnxruntime_ep_nv_tensorrt_rtx")
REFUSED = """
import sys
from gpu_peer import _rust_trt as core
from gpu_peer.rust_engine import runtime_library
folder, provider = sys.argv[1:]
options = {"library": runtime_library(), "context_length": 64}
for _ in range(2):
    try:
        core.Engine.load(folder, device="tensorrt", provider_library=provider, **options)
    except core.DeviceUnavailable as error:
        print(error)
core.Engine.load(folder, **options).close()
"""


@pytest.mark.skipif(TENSORRT is None, reason="TensorRT's provider is not installed")
@pytest.mark.skipif(Path("/dev/nvidiactl").exists(), reason="this machine has a card")
def test_the_real_provider_without_a_driver_is_a_sentence_and_no_crash(model_folder: Path) -> None:
    """In a process of its own, since a provider is never unloaded; the processor goes on."""
    assert TENSORRT is not None
    assert TENSORRT.origin is not None
    library = Path(TENSORRT.origin).with_name("libonnxruntime_providers_nv_tensorrt_rtx.so")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", REFUSED, str(model_folder), str(library)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = done.stdout.splitlines()
    assert first == second
    assert "driver" in first
    assert "'cpu'" in first
