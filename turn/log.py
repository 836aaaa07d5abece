"""Structured logs: one JSON object a line, or colours where a person watches.

No address of a person and no username is logged, at any level: counts only.
"""

import sys

import structlog
from structlog.typing import Processor


def set_up(level: str) -> None:
    """Send logs to standard error."""
    render: Processor = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
