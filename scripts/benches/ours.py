"""Our engine, loaded for a bench: the embedded model, and an answer timed from outside."""

import time
from collections.abc import Sequence
from pathlib import Path

from gpu_peer import _rust_trt as core
from gpu_peer.models.embedded import embedded_gguf
from gpu_peer.models.store import ensure_model
from gpu_peer.rust_engine import runtime_library

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / ".cache" / "test-data" / "models"  # where the tests keep theirs

THREADS = 2
CONTEXT = 1024

FILLER = "The keeper climbed the stairs, lit the lamp and wrote the hour in the book. "

Messages = Sequence[tuple[str, str]]


def model_folder() -> Path:
    """Have the embedded model converted."""
    return ensure_model(embedded_gguf(), MODELS, lambda _stage, _done, _all: None)


def load_engine(folder: Path) -> core.Engine:
    return core.Engine.load(
        folder, library=runtime_library(), threads=THREADS, context_length=CONTEXT
    )


def question(number: int) -> Messages:
    """Make a short prompt with a long answer; each number begins otherwise, so none is cached."""
    system = f"{number} is your number. You are a patient teller of long stories."
    return [("system", system), ("user", "Tell me a long story about a lighthouse keeper.")]


def prompt_of(tokens: int, number: int, engine: core.Engine) -> Messages:
    """Make a prompt of exactly so many tokens, template included."""
    system = f"{number} is your number. You are a careful reader."
    for count in range(tokens // 20, tokens):
        text = FILLER * count
        if engine.count_tokens([("system", system), ("user", text)]) > tokens:
            break
    # One word less at a time, then one short word more at a time.
    words = text.split()
    while engine.count_tokens([("system", system), ("user", " ".join(words))]) > tokens:
        words.pop()
    while engine.count_tokens([("system", system), ("user", " ".join(words))]) < tokens:
        words.append("and")
    return [("system", system), ("user", " ".join(words))]


def time_answers(
    engine: core.Engine, prompts: Sequence[Messages], sampling: core.Sampling
) -> float:
    """Give the seconds from asking all of them at once to the end of the last answer."""
    started = time.perf_counter()
    for number, messages in enumerate(prompts):
        engine.submit(f"bench-{number}", messages, sampling)
    left = len(prompts)
    while left:
        for event in engine.next_events(60):
            if isinstance(event, core.GenerationEnd):
                if event.completion_tokens != sampling.max_tokens:
                    raise SystemExit(f"An answer ended early: {event.reason}.")
                left -= 1
    return time.perf_counter() - started


def time_answer(engine: core.Engine, messages: Messages, sampling: core.Sampling) -> float:
    """Give the seconds from the question to the end of an answer of `max_tokens`."""
    started = time.perf_counter()
    engine.submit("bench", messages, sampling)
    while True:
        for event in engine.next_events(60):
            if isinstance(event, core.GenerationEnd):
                took = time.perf_counter() - started
                if event.completion_tokens != sampling.max_tokens:
                    raise SystemExit(
                        f"The answer ended after {event.completion_tokens} tokens "
                        f"({event.reason}), not {sampling.max_tokens}: ask another question."
                    )
                return took
