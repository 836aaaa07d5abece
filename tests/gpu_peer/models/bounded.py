"""The one property of every reader of files that nobody vouches for."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

from gpu_peer.models.errors import ModelError

MEGABYTE = 1 << 20


def read_or_refused(read: Callable[[], object], megabytes: int = 8) -> str | None:
    """Run `read`; anything raised but a `ModelError` comes through.

    Returns the error's text, having checked that it is one line fit for a person, and that `read`
    took no more memory at once than `megabytes`.
    """
    refusal = None
    tracemalloc.start()
    try:
        read()
    except ModelError as error:
        refusal = str(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < megabytes * MEGABYTE, f"{peak} bytes"
    if refusal is not None:
        assert refusal.isprintable(), ascii(refusal)
        assert refusal.endswith(".")
        assert len(refusal) < 400
    return refusal
