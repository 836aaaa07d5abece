"""The process of a server: its event loop, how many sockets it may have, when it is to end."""

import asyncio
import contextlib
import signal
from collections.abc import Callable


def uvloop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Give what makes event loops of uvloop; None where there is no uvloop, as on Windows."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def allow_many_sockets() -> None:
    """Raise the soft limit on open files, often 1,024, to the hard one: a socket is a file."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):  # unlimited is refused in some places
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def stop_signal() -> asyncio.Event:
    """Give what will be set when the process is told to stop, in the loop that runs now."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: KeyboardInterrupt comes instead
            loop.add_signal_handler(number, stop.set)
    return stop
