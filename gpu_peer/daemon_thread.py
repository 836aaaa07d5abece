"""Long blocking work that must not keep the process from ending."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def in_daemon_thread(work: Callable[[], T], name: str) -> asyncio.Future[T]:
    """Do the work on a thread of its own; it is left behind when the process ends."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def settle(act: Callable[[], None]) -> None:
        if not result.done():
            act()

    def tell(act: Callable[[], None]) -> None:
        try:
            loop.call_soon_threadsafe(settle, act)
        except RuntimeError:
            return  # The loop is closed: nobody waits any more.

    def run() -> None:
        try:
            value = work()
        except Exception as error:  # handed to whoever awaits the result
            failure = error
            tell(lambda: result.set_exception(failure))
        else:
            tell(lambda: result.set_result(value))

    threading.Thread(target=run, name=name, daemon=True).start()
    return result
