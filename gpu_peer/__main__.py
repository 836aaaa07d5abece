"""The home's command line.

`run`, the default, runs it. `identity` prints its public key, `doctor` what there is to compute on,
`prepare` has the model converted for that, and `engine build` proves that TensorRT takes a model.
`backup` and `restore` take the home to another disk, and put back what the home kept by itself
where its chats are damaged. `pair` lets a device be paired, and `devices`
lists and changes them; both speak with the running home.
"""

import argparse
import asyncio
import contextlib
import datetime
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from gpu_peer.config import Config, read_config
from gpu_peer.errors import PeerError
from gpu_peer.local.commands import add_local_commands, start_local_command


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Gives the exit code: 0, or 1 after a sentence that says what is wrong."""
    options = _parser().parse_args(arguments)
    try:
        config = read_config()
        match options.command:
            case "identity":
                show_identity(config)
            case "doctor":
                return show_devices(config, as_json=options.json)
            case "prepare":
                show_folder(config)
            case "engine":
                build(config, options)
            case "pair" | "devices":
                return start_local_command(config, options)
            case "backup":
                keep_backup(config, options.file)
            case "restore":
                put_back(config, options)
            case _:
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


def show_devices(config: Config, *, as_json: bool) -> int:
    """Print what there is to compute on. Gives 0 when something can be used, else 1."""
    from gpu_peer.devices.probe import probe_machine, probe_packages
    from gpu_peer.doctor import diagnose
    from gpu_peer.storage.backups import Backups

    backups = Backups(config.folder / "chats.sqlite3")
    last = backups.last_good(datetime.datetime.now(datetime.UTC))
    found = diagnose(
        probe_machine(), probe_packages(), config.device, last.as_text() if last else None
    )
    text = json.dumps(found.as_json(), indent=2) + "\n" if as_json else found.as_text()
    sys.stdout.write(text)
    return 0 if found.uses else 1


def show_folder(config: Config) -> None:
    """Have the model converted and checked, and print its folder; progress is on stderr."""
    from gpu_peer.loading import prepare
    from gpu_peer.progress import shown_progress

    with shown_progress("Preparing the model") as progress:
        folder = prepare(config, progress)
    sys.stdout.write(f"{folder}\n")


def build(config: Config, options: argparse.Namespace) -> None:
    """Build an engine ahead of time, and print what it came to."""
    from gpu_peer.loading import folder_for
    from gpu_peer.progress import shown_progress
    from gpu_peer.tensorrt.build import build_engine, require_packages

    require_packages()  # before a long conversion
    chosen = config.model_copy(update={"model": options.model or config.model})
    with shown_progress("Engine") as progress:
        folder = folder_for(chosen, progress)("f16")
        report = build_engine(
            folder, options.compute_capability, out=options.out, progress=progress
        )
    sys.stdout.write(report.as_text())


def keep_backup(config: Config, file: Path) -> None:
    """Write the home to a new file, also while it runs."""
    from gpu_peer.backup import backup

    contents = backup(config.folder, file)
    sys.stdout.write(
        f"{contents.as_text()}\nKept in {file}. Whoever has this file can read the chats and pass "
        "for this home: keep it where nobody else can.\n"
    )


def put_back(config: Config, options: argparse.Namespace) -> None:
    """Put a backup in place, while no home runs."""
    from gpu_peer.app import only_one

    with only_one(config):
        if options.file is not None:
            put_home_back(config, options.file, replace=options.replace)
        else:
            put_chats_back(config, empty=options.empty, replace=options.replace)


_ON_DEVICES = "Devices load the chats anew, and offer to bring back what they have from later."


def put_home_back(config: Config, file: Path, *, replace: bool) -> None:
    """Put a file of `backup` in place."""
    from gpu_peer.backup import restore

    contents, before = restore(config.folder, file, replace=replace)
    sys.stdout.write(
        f"{contents.as_text()}\n{_ON_DEVICES}\n"
        "A device that was removed since may be let in again: look at the list.\n"
    )
    if before is not None:
        sys.stdout.write(
            f"What was there before is in {before}, its key too: delete it once you are sure.\n"
        )


def put_chats_back(config: Config, *, empty: bool, replace: bool) -> None:
    """Put the last backup that the home made by itself in place, or nothing."""
    from gpu_peer.recovery import restore_empty, restore_latest

    chats, now = config.folder / "chats.sqlite3", datetime.datetime.now(datetime.UTC)
    if empty:
        aside = restore_empty(chats, now, replace=replace)
        sys.stdout.write(
            "The home begins anew, without chats, people and devices. Devices still have the chats "
            "until they are paired again: save them there first, in the settings.\n"
        )
    else:
        good, aside = restore_latest(chats, now, replace=replace)
        sys.stdout.write(
            f"The chats are as they were: {good.as_text()}. {_ON_DEVICES}\n"
            "A device that was removed since may be let in again: look at the list.\n"
        )
    if aside is not None:
        sys.stdout.write(f"What was there before is in {aside}.\n")


def run(config: Config) -> None:
    """Run the home until SIGINT or SIGTERM."""
    from gpu_peer.app import serve
    from gpu_peer.loading import load, start_anew_for_tensorrt
    from gpu_peer.logs import configure_logs, on_loop_error

    start_anew_for_tensorrt(config)
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
        await serve(config, lambda: load(config), stop)

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(until_signal())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gpu_peer", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("run", help="run the home")
    commands.add_parser("identity", help="print the home's public key")
    doctor = commands.add_parser("doctor", help="print what there is to compute on")
    doctor.add_argument("--json", action="store_true", help="for programs")
    commands.add_parser("prepare", help="have the model converted, print its folder")
    engine = commands.add_parser("engine", help="build engines of TensorRT ahead of time")
    actions = engine.add_subparsers(dest="action", required=True)
    make = actions.add_parser("build", help="build one; needs neither card nor driver")
    make.add_argument("--compute-capability", required=True, metavar="8.9", help="of the card")
    make.add_argument("--model", type=Path, help="a GGUF file or a float16 model folder")
    make.add_argument("--out", type=Path, help="keep the engine in this file")
    keep = commands.add_parser("backup", help="write keys, people, devices, chats to one file")
    keep.add_argument("file", type=Path, help="a new file; only you may read it")
    put = commands.add_parser("restore", help="put a backup back; the home must not run")
    what = put.add_mutually_exclusive_group(required=True)
    what.add_argument("file", type=Path, nargs="?", help="a file that backup wrote")
    what.add_argument("--latest", action="store_true", help="the home's own last good backup")
    what.add_argument("--empty", action="store_true", help="nothing: the home begins anew")
    put.add_argument("--replace", action="store_true", help="also where there is a home already")
    add_local_commands(commands)
    return parser


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
