"""`python -m signaling`: serve until told to stop."""

import asyncio
import contextlib
import errno
import signal
import sys
from collections.abc import Callable

import structlog
from aiohttp import web

from signaling import config, log
from signaling.app import METRICS, make_app
from signaling.config import Settings
from signaling.errors import CannotStart, PortTaken
from signaling.http.figures import make_figures

_log = structlog.get_logger("signaling")

_STOP_S = 1.0
"""How long requests under way get to end."""


def main() -> int:
    """Run the server and give the exit status."""
    try:
        settings = config.load()
        log.set_up(settings.log_level)
        _allow_many_sockets()
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(settings))
    except CannotStart as why:
        sys.stderr.write(f"{why}\n")
        return 1
    except KeyboardInterrupt:
        pass  # Windows has no signal handlers in the loop
    return 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return None
    return uvloop.new_event_loop


def _allow_many_sockets() -> None:
    """Raise the soft limit on open files, often 1,024, to the hard one: a socket is a file."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):  # unlimited is refused in some places
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    app = await make_app(settings)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_STOP_S, handle_signals=False)
    figures = web.AppRunner(make_figures(app[METRICS]), access_log=None, handle_signals=False)
    try:
        await runner.setup()
        await _listen(runner, settings.host, settings.port, "HEARTH")
        if settings.metrics_port:
            await figures.setup()
            await _listen(figures, settings.metrics_host, settings.metrics_port, "HEARTH_METRICS")
        _log.info("listening", origin=settings.canonical_origin, homes=len(settings.homes))
        await stop.wait()
        _log.info("stopping")
    finally:
        await figures.cleanup()
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int, setting: str) -> None:
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"Port {port} is taken. Stop what listens there, or set {setting}_PORT."
            ) from None
        raise CannotStart(
            f"Cannot listen on {host} port {port} ({error.strerror}). "
            f"Change {setting}_HOST or {setting}_PORT."
        ) from None


if __name__ == "__main__":
    sys.exit(main())
