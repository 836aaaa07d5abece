"""An event loop without sockets, threads and waiting, whose order comes from a seed."""

import asyncio
import contextlib
import contextvars
import heapq
import itertools
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

MOST_STEPS = 200_000
"""More steps without rest are a loop that never ends."""


class _Task(asyncio.Task[Any]):
    """Has its place in a set by its number, not by where it is in memory."""

    _numbers = itertools.count()

    def __init__(self, *args: Any, **how: Any) -> None:
        self._number = next(_Task._numbers)
        super().__init__(*args, **how)

    def __hash__(self) -> int:
        return self._number


class VirtualLoop(asyncio.AbstractEventLoop):
    """Runs until nothing is ready; time passes only in `advance`.

    Work for an executor is done on this thread: in order for each executor, and at a moment that
    the seed chooses, as a thread would. A `BaseException` that is no `Exception` ends `rest`.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._ready: deque[asyncio.Handle] = deque()
        self._work: dict[object, deque[Callable[[], None]]] = {}
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._order = itertools.count()
        self._now_s = 1000.0
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self.errors: list[dict[str, Any]] = []

    def rest(self, steps: int | None = None) -> None:
        """Go on until everybody waits, or for so many steps."""
        asyncio._set_running_loop(self)
        try:
            for _ in range(MOST_STEPS if steps is None else steps):
                if self._work and (not self._ready or self._random.random() < 0.3):
                    self._do_work()
                elif self._ready:
                    handle = self._ready.popleft()
                    if not handle._cancelled:
                        handle._run()
                else:
                    return
            if steps is None:
                raise RuntimeError("The PC does not come to rest.")
        finally:
            asyncio._set_running_loop(None)

    def advance(self, seconds: float) -> None:
        """Let time pass, doing on the way what is due."""
        until = self._now_s + seconds
        self.rest()
        while self._timers and self._timers[0][0] <= until:
            when, _, handle = heapq.heappop(self._timers)
            self._now_s = max(self._now_s, when)
            if not handle._cancelled:
                self._ready.append(handle)
                self.rest()
        self._now_s = until

    def abandon(self) -> None:
        """Drop all tasks where they are, now rather than whenever their memory is reclaimed."""
        asyncio._set_running_loop(self)
        try:
            for task in list(self._tasks):
                task._log_destroy_pending = False  # type: ignore[attr-defined]  # asyncio's own
                # What is raised here, no process that was killed ever did.
                with contextlib.suppress(BaseException):
                    task.get_coro().close()  # type: ignore[union-attr]  # a task has one
        finally:
            asyncio._set_running_loop(None)
        self._ready.clear()
        self._work.clear()
        self._timers.clear()

    def _do_work(self) -> None:
        executor = self._random.choice(list(self._work))
        waiting = self._work[executor]
        work = waiting.popleft()
        if not waiting:
            del self._work[executor]
        work()

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        future = self.create_future()

        def work() -> None:
            try:
                result = func(*args)
            except Exception as error:
                # A `StopIteration` cannot be put into a future, and nothing here raises one.
                if not future.cancelled():
                    future.set_exception(error)
            else:
                if not future.cancelled():
                    future.set_result(result)

        # Threads of the default executor do not wait for each other.
        key = object() if executor is None else executor
        self._work.setdefault(key, deque()).append(work)
        return future

    def call_soon(
        self,
        callback: Callable[..., Any],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self,
        delay: float,
        callback: Callable[..., Any],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now_s + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[..., Any],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._order), handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is passed over when its time comes."""

    def time(self) -> float:
        return self._now_s

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, **how: Any) -> "asyncio.Task[Any]":
        task = _Task(coro, loop=self, **how)
        self._tasks[task] = None
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[Any]") -> None:
        del self._tasks[task]

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.errors.append(context)

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        self.errors.append(context)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False
