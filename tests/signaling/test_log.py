"""What a log has of a mistake of ours: where it was, and nothing that a client sent."""

import io
from collections.abc import Iterator

import pytest
import structlog

from signaling import log


class Terminal(io.StringIO):
    """Somewhere a person watches, or not."""

    watched: bool

    def isatty(self) -> bool:
        return self.watched


@pytest.fixture(autouse=True)
def forget_settings() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("watched", [True, False])
def test_a_traceback_has_places_only(monkeypatch: pytest.MonkeyPatch, watched: bool) -> None:
    terminal = Terminal()
    terminal.watched = watched
    monkeypatch.setattr("sys.stderr", terminal)
    log.set_up("info")
    said = "words of a client"
    try:
        raise RuntimeError(said)
    except RuntimeError:
        structlog.get_logger("test").error("failed", exc_info=True)
    assert "test_log.py:" in terminal.getvalue()
    assert said not in terminal.getvalue()
