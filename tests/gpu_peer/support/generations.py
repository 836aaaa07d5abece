"""Asking the Rust core and waiting for what it says."""

from gpu_peer import _rust_trt as core

WAIT_S = 60.0
"""Longest wait for an event: a test that needs it has failed."""


def user(content: str) -> list[tuple[str, str]]:
    """A conversation of one message."""
    return [("user", content)]


def drain(engine: core.Engine, *ids: str) -> dict[str, tuple[str, core.GenerationEnd]]:
    """Text and end of each of these generations."""
    texts = dict.fromkeys(ids, "")
    ends: dict[str, core.GenerationEnd] = {}
    while len(ends) < len(ids):
        events = engine.next_events(WAIT_S)
        assert events, "nothing came"
        for event in events:
            if isinstance(event, core.GenerationEnd):
                ends[event.generation_id] = event
            else:
                assert event.text
                texts[event.generation_id] += event.text
    return {id_: (texts[id_], ends[id_]) for id_ in ids}


def answer(
    engine: core.Engine, messages: list[tuple[str, str]], sampling: core.Sampling
) -> tuple[str, core.GenerationEnd]:
    """The answer to a conversation."""
    engine.submit("asked", messages, sampling)
    return drain(engine, "asked")["asked"]
