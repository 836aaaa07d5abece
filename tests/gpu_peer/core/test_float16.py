"""Models whose activations and cache are 16-bit floats, on the processor."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType

from gpu_peer import _rust_trt as core
from gpu_peer.chat.conversation import SYSTEM
from gpu_peer.models.export import ExportOptions, export_model
from gpu_peer.rust_engine import runtime_library
from tests.gpu_peer.models.in_place import InPlace
from tests.gpu_peer.models.reference import Reference
from tests.gpu_peer.models.tiny import FAMILIES, write_tiny
from tests.gpu_peer.support.generations import answer, drain, user

PROMPT = [5, 77, 130, 9, 201, 33, 64, 12, 250, 101, 3]
ANSWER = [40, 7, 199, 88, 88, 2]
OTHER = [250, 251, 252, 253] * 8
FLOAT16 = 0.1  # 11 bits in every step, where logits are 2 to 4; measured: 0.005 to 0.015
QUESTIONS = ["Name a colour.", "Tell me about the sea. " * 9, "Count to ten, slowly and aloud."]


def logits(engine: core.Engine, ids: list[int], chunk: int = 0) -> np.ndarray:
    return np.frombuffer(engine.logits(ids, chunk=chunk), np.float32)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_prefills_decodes_and_rewinds_near_the_float32_reference(
    tmp_path: Path, family: str
) -> None:
    """The weights are kept bit for bit, so that the rounding of activations is what is left."""
    kind = GGMLQuantizationType.Q4_0
    source = write_tiny(
        tmp_path / "tiny.gguf",
        family=family,
        kind=kind,
        kinds={"output.weight": kind},
        own_output=True,
    )
    folder = tmp_path / "folder"
    folder.mkdir()
    export_model(source, folder, ExportOptions(dtype="f16", accuracy_level=0))
    expected = Reference.load(source).forced(PROMPT, ANSWER)
    assert np.abs(expected).max() > 0.5
    with core.Engine.load(folder, library=runtime_library(), threads=1, max_active=2) as engine:
        for chunk in (0, 1, 4):
            # What was there before lies behind every position, as after a rewind.
            engine.logits(OTHER)
            for step in range(len(ANSWER)):
                got = logits(engine, [*PROMPT, *ANSWER[:step]], chunk)
                assert np.abs(got - expected[step]).max() < FLOAT16


@pytest.fixture(scope="module")
def engine(half_model_folder: Path) -> Iterator[core.Engine]:
    library = runtime_library()
    with core.Engine.load(half_model_folder, library=library, threads=2, max_active=3) as engine:
        yield engine


def test_the_real_model_answers(engine: core.Engine) -> None:
    question = [SYSTEM, *user("What is the capital of France?")]
    text, end = answer(engine, question, core.Sampling(max_tokens=48))
    assert "Paris" in text
    assert end.reason == "stop"


def test_the_real_model_computes_what_the_runtime_does_by_itself(
    engine: core.Engine, half_model_folder: Path
) -> None:
    """Nearly: the core's session rounds activations to int8 where it may, and this one does not."""
    ids = engine.encode_chat(user("Tell me about the sea, please."))
    session = InPlace(half_model_folder, len(ids) + 1)
    prefilled = session.append(ids)
    assert np.corrcoef(logits(engine, ids, chunk=len(ids)), prefilled)[0, 1] > 0.999
    session.lengths = [0]
    decoded = [session.append([token]) for token in ids][-1]
    assert np.corrcoef(logits(engine, ids, chunk=1), decoded)[0, 1] > 0.999


def test_answers_beside_others_are_those_of_each_alone(engine: core.Engine) -> None:
    """Whether they decode together, or by turns where the kernels need it."""
    samplings = [
        core.Sampling(max_tokens=6 + 5 * turn, temperature=1.0, seed=turn) for turn in (0, 1, 2)
    ]
    asked = list(zip(QUESTIONS, samplings, strict=True))
    alone = [answer(engine, user(question), sampling)[0] for question, sampling in asked]
    for turn, (question, sampling) in enumerate(asked):
        engine.submit(str(turn), user(question), sampling)
    together = drain(engine, "0", "1", "2")
    assert [together[str(turn)][0] for turn in range(3)] == alone


def test_a_cache_of_16_bits_takes_half_the_memory(
    model_folder: Path, half_model_folder: Path
) -> None:
    """As many bytes are too few for two rows of 32-bit floats, and enough for 16-bit ones."""
    manifest = json.loads((half_model_folder / "hearth.json").read_text())
    numbers = 2 * manifest["layers"] * manifest["kv_heads"] * manifest["head_dim"] * 256
    options = {"library": runtime_library(), "context_length": 256, "max_active": 2}
    bytes_ = 2 * numbers * 2
    core.Engine.load(half_model_folder, cache_bytes=bytes_, **options).close()  # type: ignore[arg-type]
    with pytest.raises(core.MemoryShort):
        core.Engine.load(half_model_folder, cache_bytes=bytes_ - 1, **options)  # type: ignore[arg-type]
    with pytest.raises(core.MemoryShort):
        core.Engine.load(model_folder, cache_bytes=bytes_, **options)  # type: ignore[arg-type]


def test_a_manifest_that_says_the_wrong_type_is_refused(
    tmp_path: Path, half_model_folder: Path
) -> None:
    for file in half_model_folder.iterdir():
        if file.name != "hearth.json":
            (tmp_path / file.name).hardlink_to(file)
    manifest = json.loads((half_model_folder / "hearth.json").read_text())
    manifest["kv_dtype"] = "f32"
    (tmp_path / "hearth.json").write_text(json.dumps(manifest))
    with pytest.raises(core.ModelUnsupported, match="element type"):
        core.Engine.load(tmp_path, library=runtime_library())
