"""`python -m gpu_peer` runs the home; `python -m gpu_peer identity` prints its public key."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from gpu_peer.config import Config, read_config
from gpu_peer.engine import Engine
from gpu_peer.errors import EngineUnavailable, PeerError


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Gives the exit code: 0, or 1 after a sentence that says what is wrong."""
    parser = argparse.ArgumentParser(prog="gpu_peer", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("run", "identity"), default="run")
    command = parser.parse_args(arguments).command
    try:
        config = read_config()
        if command == "identity":
            show_identity(config)
        else:
            run(config)
    except PeerError as error:
        sys.stdout.flush()
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def show_identity(config: Config) -> None:
    """Print the raw public key in base64url; the key is made when there is none."""
    # Imported here: this command is to answer at once.
    from gpu_peer.identity import load_identity

    sys.stdout.write(load_identity(config.folder).public_key + "\n")


def run(config: Config) -> None:
    """Run the home until SIGINT or SIGTERM."""
    from gpu_peer.app import serve
    from gpu_peer.logs import configure_logs, on_loop_error

    configure_logs(config.log_level)

    async def until_signal() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(on_loop_error)
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                loop.add_signal_handler(number, stop.set)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
        await serve(config, lambda: _load(config), stop)

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(until_signal())


def _load(config: Config) -> Engine:
    from gpu_peer.rust_engine import load_engine

    return load_engine(
        _model_folder(config),
        device=config.device,
        threads=config.threads,
        context_length=config.context,
        max_tokens=config.max_tokens,
    )


def _model_folder(config: Config) -> Path:
    """Give the model's folder, and convert the model first where that is not done."""
    from gpu_peer.models.embedded import embedded_gguf
    from gpu_peer.models.errors import ModelError
    from gpu_peer.models.folder import is_model_folder
    from gpu_peer.models.store import ensure_model

    if config.model is not None and is_model_folder(config.model):
        return config.model
    try:
        return ensure_model(config.model or embedded_gguf(), config.data / "models")
    except ModelError as error:
        raise EngineUnavailable(str(error)) from None


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    with contextlib.suppress(ImportError):
        import uvloop

        return uvloop.new_event_loop
    return None


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # A model that is still loading would keep the interpreter waiting for its thread.
    os._exit(code)
