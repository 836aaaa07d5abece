"""Structured logs: one JSON object a line on standard output.

No line ever holds what was said in a chat, a key or a token. An exception's text may quote what it
was about, so of exceptions only the type and the places in the code are written.
"""

import asyncio
import logging
import sys
import traceback
from typing import Any

import structlog
from structlog.typing import EventDict


def configure_logs(level: str) -> None:
    """Send our own logs, and warnings of libraries, to standard output."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_exception_text,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=max(threshold, logging.WARNING), handlers=[_Handler()], force=True)


def describe(error: BaseException) -> dict[str, object]:
    """Give an exception's type and the places it passed, never its text."""
    places = [
        f"{frame.name}:{frame.lineno} {frame.filename.rpartition('site-packages/')[2]}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    described: dict[str, object] = {"kind": type(error).__name__, "places": places[-6:]}
    if isinstance(error, BaseExceptionGroup):
        described["parts"] = [describe(part) for part in error.exceptions]
    return described


def on_loop_error(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what no task waited for; to be set as the event loop's exception handler."""
    error = context.get("exception")
    fields = describe(error) if isinstance(error, BaseException) else {}
    structlog.get_logger().error("unexpected", **fields)


def _without_exception_text(_logger: object, _method: str, event: EventDict) -> EventDict:
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        event.update(describe(error))
    return event


class _Handler(logging.Handler):
    """Library warnings: where they come from, not what they say."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        fields = describe(error) if error is not None else {}
        structlog.get_logger().log(
            record.levelno, "library", logger=record.name, place=record.funcName, **fields
        )
