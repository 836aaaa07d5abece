"""Several answers at once, computed together, with a real model."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gpu_peer import _rust_trt as core
from gpu_peer.rust_engine import runtime_library
from tests.gpu_peer.support.generations import drain, user

QUESTIONS = [
    "Name a colour.",
    "Tell me about the sea. " * 9,
    "Count to ten, slowly and aloud.",
    "Write a poem about rain and wind. " * 20,
    "What is the capital of France?",
]
"""Prompts of different lengths, so rows of different age."""


@pytest.fixture(scope="module")
def engine(model_folder: Path) -> Iterator[core.Engine]:
    library = runtime_library()
    with core.Engine.load(model_folder, library=library, threads=2, max_active=5) as engine:
        yield engine


def test_rows_of_different_age_decode_to_the_same_logits_as_alone(engine: core.Engine) -> None:
    sequences = [engine.encode_chat(user(question)) for question in QUESTIONS]
    assert len({len(ids) for ids in sequences}) == len(sequences)
    together = engine.logits_together(sequences)
    width = len(together) // len(sequences)
    assert width == engine.info.vocab_size * 4
    for row, ids in enumerate(sequences):
        assert engine.logits_together([ids]) == together[row * width : (row + 1) * width]


def test_decoding_beside_others_agrees_with_prefilling(engine: core.Engine) -> None:
    """What was decoded together is near what another way of computing it gives."""
    sequences = [engine.encode_chat(user(question)) for question in QUESTIONS]
    rows = np.frombuffer(engine.logits_together(sequences), np.float32)
    prefilled = [np.frombuffer(engine.logits(ids), np.float32) for ids in sequences]
    agreement = np.corrcoef(rows.reshape(len(sequences), -1), np.stack(prefilled))
    between = agreement[: len(sequences), len(sequences) :]
    assert between.diagonal().min() > 0.98
    # A row that answered to another's prompt would be as far as these are.
    assert (between - np.eye(len(sequences))).max() < between.diagonal().min()


def test_answers_together_are_those_of_each_alone(engine: core.Engine) -> None:
    """They join and leave at different times, and more of them than there are rows."""
    samplings = [
        core.Sampling(max_tokens=4 + 5 * turn, temperature=1.0, seed=turn) for turn in range(7)
    ]
    asked = [user(QUESTIONS[turn % len(QUESTIONS)]) for turn in range(7)]
    alone = []
    for messages, sampling in zip(asked, samplings, strict=True):
        engine.submit("alone", messages, sampling)
        alone.append(drain(engine, "alone")["alone"][0])
    for turn, (messages, sampling) in enumerate(zip(asked, samplings, strict=True)):
        engine.submit(str(turn), messages, sampling, owner=str(turn % 2))
    together = drain(engine, *(str(turn) for turn in range(7)))
    assert [together[str(turn)][0] for turn in range(7)] == alone


def test_memory_is_limited_at_the_start(model_folder: Path) -> None:
    library = runtime_library()
    with pytest.raises(core.MemoryShort, match=r"90 MB .* limit is 40 MB") as caught:
        core.Engine.load(
            model_folder, library=library, context_length=1024, max_active=2, cache_bytes=40 << 20
        )
    assert caught.value.code == "memory_short"


def test_a_row_that_nobody_uses_takes_no_memory(model_folder: Path) -> None:
    """Address space for 1.5 GB of cache; of that a chat takes what it fills."""
    library = runtime_library()

    def resident() -> int:
        status = Path("/proc/self/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) << 10

    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell what is resident")
    before = resident()
    with core.Engine.load(model_folder, library=library, threads=2, max_active=8) as engine:
        engine.submit("a", user("Name a colour."), core.Sampling(max_tokens=4))
        drain(engine, "a")
        assert resident() - before < 600 << 20
