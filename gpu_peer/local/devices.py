"""`python -m gpu_peer devices`: the list of people and devices, and changes of it."""

from datetime import datetime

from gpu_peer.errors import CommandRefused
from gpu_peer.local.client import Client
from gpu_peer.local.people import checked_name
from gpu_peer.local.screen import Screen, in_groups, plain
from gpu_peer.uuid7 import uuid7
from protocol.household import (
    DeviceShown,
    Household,
    LiveConnection,
    ReadmitDevice,
    RenameDevice,
    RevokeDevice,
)

_SHORT = 6
"""Digits of an id that are shown at least."""

_LISTED = "`python -m gpu_peer devices` lists them."


async def show(client: Client, screen: Screen) -> None:
    """Print the list."""
    screen.say(*as_lines(await client.household()))


async def rename(client: Client, screen: Screen, beginning: str, name: str) -> None:
    """Give a device another name. Raises CommandRefused, as all of these do."""
    name = checked_name(name)
    device = find(await client.household(), beginning)
    await client.ask(RenameDevice(id=uuid7(), device=device.id, name=name))
    screen.say(f"{plain(device.name)} is called {name} now.")


async def remove(client: Client, screen: Screen, beginning: str) -> None:
    """Let a device in no more."""
    device = find(await client.household(), beginning)
    if device.revoked:
        raise CommandRefused(f"{plain(device.name)} is removed already.")
    await client.ask(RevokeDevice(id=uuid7(), device=device.id))
    screen.say(f"{plain(device.name)} is removed: it was cut off and is let in no more.")


async def readmit(client: Client, screen: Screen, beginning: str) -> None:
    """Let a removed device back in."""
    device = find(await client.household(), beginning)
    if not device.revoked:
        raise CommandRefused(f"{plain(device.name)} is not removed.")
    await client.ask(ReadmitDevice(id=uuid7(), device=device.id))
    screen.say(f"{plain(device.name)} may come back.")


def find(household: Household, beginning: str) -> DeviceShown:
    """Give the one device whose id begins so.

    Raises:
        CommandRefused: there is none, or more than one.
    """
    wanted = beginning.strip().lower()
    found = [one for one in household.devices if wanted and one.id.startswith(wanted)]
    if not found:
        raise CommandRefused(f"No device's id begins with {plain(beginning)!r}. {_LISTED}")
    if len(found) > 1:
        names = ", ".join(plain(one.name) for one in found)
        raise CommandRefused(f"The ids of several devices begin so: {names}. Say more of it.")
    return found[0]


def as_lines(household: Household) -> list[str]:
    """Give the list as text: each person, and below their devices."""
    if not household.devices:
        return ["No device is paired yet. `python -m gpu_peer pair` pairs one."]
    digits = _digits([device.id for device in household.devices])
    width = max(len(plain(device.name)) for device in household.devices)
    lines = []
    for person in household.people:
        lines.append(f"{plain(person.name)} ({person.role})")
        own = [device for device in household.devices if device.person == person.id]
        for device in own:
            first, *more = _states(device)
            lines.append(f"  {device.id[:digits]}  {plain(device.name):{width}}  {first}")
            lines += [f"  {'':{digits}}  {'':{width}}  {state}" for state in more]
        if not own:
            lines.append("  no device")
    return lines


def _states(device: DeviceShown) -> list[str]:
    if device.revoked:
        return ["removed"]
    if device.live:
        return [_connection(one) for one in device.live]
    if device.seen_ms is None:
        return [f"paired {_time(device.paired_ms)}, never connected since"]
    road = f" by {plain(device.road)}" if device.road else ""
    return [f"last seen {_time(device.seen_ms)}{road}"]


def _connection(live: LiveConnection) -> str:
    since, code = _time(live.since_ms), in_groups(live.code)
    return f"connected by {plain(live.road)} since {since}, code {code}"


def _time(unix_ms: int) -> str:
    """Give the PC's own time of day; a clock that was set to nonsense is no reason to fail."""
    try:
        return datetime.fromtimestamp(unix_ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError, OSError):
        return "at an unknown time"


def _digits(ids: list[str]) -> int:
    """Give how many digits tell all of them apart."""
    return next(n for n in range(_SHORT, 33) if len({one[:n] for one in ids}) == len(ids))
