"""Structured logs: one JSON object a line, or colours where a person watches.

What is logged is chosen at each place and never includes a token, a password, a session
description, or, where something failed, a name.
"""

import logging
import sys

import structlog
from structlog.typing import Processor


def set_up(level: str) -> None:
    """Send this part's logs, and the libraries' warnings, to standard error."""
    watched = sys.stderr.isatty()
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    render: Processor = (
        structlog.dev.ConsoleRenderer() if watched else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        # The traceback without the error's words and variables: they may hold what a client sent.
        processors=[*shared, _strip_exception, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")


def _strip_exception(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    if event.pop("exc_info", None) and (trace := sys.exc_info()[2]):
        steps = []
        while trace:
            steps.append(f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}")
            trace = trace.tb_next
        event["at"] = steps
    return event
