import asyncio
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from gpu_peer.logs import configure_logs, on_loop_error

SECRET = "what was said"


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logs("debug")
    yield
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level


def failing() -> None:
    raise ValueError(SECRET)


def caught() -> ValueError:
    try:
        failing()
    except ValueError as error:
        return error
    raise AssertionError


async def test_an_error_is_named_by_type_and_place_only(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = caught()
    on_loop_error(asyncio.get_running_loop(), {"message": SECRET, "exception": error})
    logging.getLogger("aiortc").warning("%s", SECRET, exc_info=error)
    structlog.get_logger().error("failed", exc_info=error)
    group = ExceptionGroup(SECRET, [error])
    on_loop_error(asyncio.get_running_loop(), {"exception": group})
    printed = capsys.readouterr().out
    lines = [json.loads(line) for line in printed.splitlines()]
    assert [line["event"] for line in lines] == ["unexpected", "library", "failed", "unexpected"]
    assert SECRET not in printed
    assert all("ValueError" in json.dumps(line) for line in lines)
    assert "failing" in lines[0]["places"][-1]


def test_libraries_are_heard_from_warnings_up(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("aiortc").info("details")
    assert capsys.readouterr().out == ""
