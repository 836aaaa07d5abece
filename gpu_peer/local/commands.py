"""The commands that speak with the running home: what they are called with, and their start."""

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from gpu_peer.config import Config

if TYPE_CHECKING:
    from gpu_peer.local.screen import Screen

INTERRUPTED = 130


def add_local_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe them to the command line."""
    pair = commands.add_parser("pair", help="let a device be paired, by a QR code or by comparing")
    pair.add_argument("--person", metavar="NAME", help="whose device; a new name adds the person")
    roles = pair.add_mutually_exclusive_group()
    roles.add_argument("--guest", dest="role", action="store_const", const="guest")
    roles.add_argument("--member", dest="role", action="store_const", const="member")
    pair.add_argument("--compare", action="store_true", help="compare codes instead of a secret")
    devices = commands.add_parser("devices", help="list, rename, remove and readmit devices")
    actions = devices.add_subparsers(dest="action")
    actions.add_parser("list", help="what it does without a word, too")
    rename = actions.add_parser("rename")
    rename.add_argument("id", help="or as much of its beginning as no other has")
    rename.add_argument("name")
    for action in ("remove", "readmit"):
        actions.add_parser(action).add_argument("id", help="or its beginning")


def start_local_command(config: Config, options: argparse.Namespace) -> int:
    """Run one. Gives the exit code.

    Raises:
        PeerError: no home runs, or it refuses.
    """
    from gpu_peer.local.screen import Screen

    screen = Screen(sys.stdout)
    try:
        return asyncio.run(_run(config, options, screen))
    except KeyboardInterrupt:
        if options.command == "pair":
            screen.say("", "The invitation is closed; no device was paired.")
        return INTERRUPTED


async def _run(config: Config, options: argparse.Namespace, screen: "Screen") -> int:
    # Imported here: the other commands are to answer at once.
    from gpu_peer.local import devices
    from gpu_peer.local.client import connected
    from gpu_peer.local.pair import pair

    async with connected(config.folder) as client:
        if options.command == "pair":
            paired = await pair(
                client, options.person, options.role, screen, compare=options.compare
            )
            return 0 if paired else 1
        match options.action:
            case "rename":
                await devices.rename(client, screen, options.id, options.name)
            case "remove":
                await devices.remove(client, screen, options.id)
            case "readmit":
                await devices.readmit(client, screen, options.id)
            case _:
                await devices.show(client, screen)
    return 0
