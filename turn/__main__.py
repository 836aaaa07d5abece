"""`python -m turn`: relay until told to stop. `python -m turn coturn`: the same for coturn."""

import argparse
import asyncio
import errno
import sys
from collections.abc import Callable

import structlog
from aiohttp import web

from turn import config, coturn, log
from turn.app import Server
from turn.config import Settings
from turn.errors import CannotStart, PortTaken
from turn.metrics import make_figures
from vds import process

_log = structlog.get_logger("turn")


def main() -> int:
    """Run the relay, or print coturn's configuration, and give the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m turn", description="Relay between allocations of this relay (RFC 8656)."
    )
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("coturn", help="print a configuration of coturn from the same settings")
    arguments = parser.parse_args()
    try:
        settings = config.load()
        if arguments.command == "coturn":
            sys.stdout.write(coturn.render(settings))
            return 0
        log.set_up(settings.log_level)
        process.allow_many_sockets()
        with asyncio.Runner(loop_factory=process.uvloop_factory() or _selector_loop()) as runner:
            runner.run(_serve(settings))
    except CannotStart as why:
        sys.stderr.write(f"{why}\n")
        return 1
    except KeyboardInterrupt:
        pass  # Windows has no signal handlers in the loop
    return 0


def _selector_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Without uvloop: the default of Windows cannot watch UDP sockets."""
    return asyncio.SelectorEventLoop if sys.platform == "win32" else None


async def _serve(settings: Settings) -> None:
    stop = process.stop_signal()
    server = Server(settings)
    await server.start()
    figures = web.AppRunner(
        make_figures(server.relay, lambda: len(server.connections)),
        access_log=None,
        handle_signals=False,
    )
    try:
        if settings.turn_metrics_port:
            await figures.setup()
            await _show(figures, settings)
        _log.info("listening", port=settings.turn_port, tls=settings.turn_certificate is not None)
        await stop.wait()
        _log.info("stopping", allocations=len(server.relay.allocations.of))
    finally:
        await server.stop()
        await figures.cleanup()


async def _show(figures: web.AppRunner, settings: Settings) -> None:
    host, port = settings.metrics_host, settings.turn_metrics_port
    try:
        await web.TCPSite(figures, host, port).start()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"Port {port} is taken. Stop what listens there, or set HEARTH_TURN_METRICS_PORT."
            ) from None
        raise CannotStart(
            f"Cannot listen on {host} port {port} ({error.strerror}). "
            "Change HEARTH_METRICS_HOST or HEARTH_TURN_METRICS_PORT."
        ) from None


if __name__ == "__main__":
    sys.exit(main())
