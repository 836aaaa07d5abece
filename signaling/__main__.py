"""`python -m signaling`: serve until told to stop."""

import asyncio
import errno
import sys

import structlog
from aiohttp import web

from signaling import config, log
from signaling.app import METRICS, make_app
from signaling.config import Settings
from signaling.errors import CannotStart, PortTaken
from signaling.http.figures import make_figures
from vds import process

_log = structlog.get_logger("signaling")

_STOP_S = 1.0
"""How long requests under way get to end."""


def main() -> int:
    """Run the server and give the exit status."""
    try:
        settings = config.load()
        log.set_up(settings.log_level)
        process.allow_many_sockets()
        with asyncio.Runner(loop_factory=process.uvloop_factory()) as runner:
            runner.run(_serve(settings))
    except CannotStart as why:
        sys.stderr.write(f"{why}\n")
        return 1
    except KeyboardInterrupt:
        pass  # Windows has no signal handlers in the loop
    return 0


async def _serve(settings: Settings) -> None:
    stop = process.stop_signal()
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
