"""Our engine, loaded for a bench: the embedded model, and answers timed from outside."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gpu_peer import _rust_trt as core
from gpu_peer.models.embedded import embedded_gguf
from gpu_peer.models.store import ensure_model
from gpu_peer.rust_engine import MIN_P, REPETITION_PENALTY, TEMPERATURE, runtime_library

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / ".cache" / "test-data" / "models"  # where the tests keep theirs

THREADS = 2
CONTEXT = 1024

FILLER = "The keeper climbed the stairs, lit the lamp and wrote the hour in the book. "

QUIET_S = 0.05

Messages = Sequence[tuple[str, str]]


def model_folder() -> Path:
    """Have the embedded model converted."""
    return ensure_model(embedded_gguf(), MODELS, lambda _stage, _done, _all: None)


def load_engine(folder: Path, context: int = CONTEXT) -> core.Engine:
    return core.Engine.load(
        folder, library=runtime_library(), threads=THREADS, context_length=context
    )


def as_chats_draw(tokens: int, seed: int) -> core.Sampling:
    """Draw exactly so many tokens, as the chats of Hearth draw theirs."""
    return core.Sampling(
        max_tokens=tokens,
        temperature=TEMPERATURE,
        min_p=MIN_P,
        repetition_penalty=REPETITION_PENALTY,
        seed=seed,
        ignore_eos=True,
    )


def greedily(tokens: int) -> core.Sampling:
    """Draw exactly so many tokens, always the likeliest."""
    return core.Sampling(max_tokens=tokens, ignore_eos=True)


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


@dataclass
class Answer:
    """When an answer's tokens came, in seconds of `time.perf_counter`."""

    submitted: float
    pieces: list[tuple[float, int]] = field(default_factory=list)
    text: str = ""
    ended: float = 0.0
    prompt_tokens: int = 0
    cached_tokens: int = 0

    @property
    def first_s(self) -> float:
        """Seconds to the first text."""
        return self.pieces[0][0] - self.submitted

    def tokens_between(self, start: float, end: float) -> int:
        """Count the tokens that came after `start`, up to `end`."""
        return sum(tokens for at, tokens in self.pieces if start < at <= end)

    @property
    def rate(self) -> float:
        """Tokens a second after the first."""
        start = self.pieces[0][0]
        return self.tokens_between(start, self.pieces[-1][0]) / (self.pieces[-1][0] - start)


def answers(
    engine: core.Engine, prompts: Sequence[Messages], samplings: Sequence[core.Sampling]
) -> list[Answer]:
    """Ask all at once, wait for the last end and then until the engine rests."""
    found: dict[str, Answer] = {}
    for number, (messages, sampling) in enumerate(zip(prompts, samplings, strict=True)):
        found[str(number)] = Answer(time.perf_counter())
        engine.submit(str(number), messages, sampling)
    collect(engine, found)
    return list(found.values())


def collect(engine: core.Engine, found: dict[str, Answer]) -> None:
    """Fill in the answers to what was submitted, to the last end."""
    running = set(found)
    while running:
        events = engine.next_events(60)
        now = time.perf_counter()
        for event in events:
            answer = found[event.generation_id]
            if isinstance(event, core.TextPiece):
                answer.pieces.append((now, event.tokens))
                answer.text += event.text
                continue
            if event.reason not in ("length", "stop"):
                raise SystemExit(f"An answer ended as {event.reason}: {event.error_message}")
            answer.ended = now
            answer.prompt_tokens = event.prompt_tokens
            answer.cached_tokens = event.cached_tokens
            running.discard(event.generation_id)
    rest()


def rest() -> None:
    """Wait until this process computes no more: an ended chat is made ready for its next turn."""
    spent = time.process_time()
    while True:
        time.sleep(QUIET_S)
        if (now := time.process_time()) - spent < QUIET_S / 10:
            return
        spent = now
