import threading
from collections.abc import Sequence

from gpu_peer.engine import Engine, EngineEvent, EngineReader, TextPiece
from gpu_peer.errors import EngineUnavailable


class Source:
    """Gives its batches one after another, then raises."""

    def __init__(self, *batches: Sequence[EngineEvent]) -> None:
        self.batches = list(batches)

    def next_events(self, timeout_s: float) -> Sequence[EngineEvent]:
        if not self.batches:
            raise EngineUnavailable("broken")
        return self.batches.pop(0)


def read(source: Source, stopped: bool = False) -> tuple[list[object], list[Exception]]:
    delivered: list[object] = []
    failures: list[Exception] = []
    ended = threading.Event()

    def broken(error: Exception) -> None:
        failures.append(error)
        ended.set()

    engine: Engine = source  # type: ignore[assignment]
    reader = EngineReader(engine, delivered.append, broken)
    if stopped:
        reader.stop()
    reader.start()
    reader._thread.join(10)
    assert not reader._thread.is_alive()
    return delivered, failures


def test_batches_are_handed_on_and_the_end_is_told_once() -> None:
    piece = TextPiece("g", "text")
    delivered, failures = read(Source([piece], [], [piece, piece]))
    assert delivered == [[piece], [piece, piece]]
    assert len(failures) == 1


def test_an_end_that_was_asked_for_is_no_failure() -> None:
    assert read(Source(), stopped=True) == ([], [])
