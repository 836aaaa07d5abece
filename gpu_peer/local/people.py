"""Whose device it is to be: the person that a command names."""

from gpu_peer.errors import CommandRefused
from gpu_peer.local.client import Client
from gpu_peer.local.screen import Screen, plain
from gpu_peer.storage.people import NAME_CHARS
from gpu_peer.uuid7 import uuid7
from protocol.household import AddPerson, Household, NewRole, PersonShown


def checked_name(name: str) -> str:
    """Give the name as the home takes it.

    Raises:
        CommandRefused: the home would not take it.
    """
    name = name.strip()
    if not 1 <= len(name) <= NAME_CHARS or not name.isprintable():
        raise CommandRefused(f"A name is one line of 1 to {NAME_CHARS} characters. Choose another.")
    return name


async def person_of(
    client: Client, name: str | None, role: NewRole | None, screen: Screen
) -> PersonShown:
    """Find the person of this name, or add them and say so; without a name, the owner.

    Raises:
        CommandRefused: two have this name, or the known one has another role, or the home refused.
    """
    household = await client.household()
    if name is None:
        if role is not None:
            raise CommandRefused("Say whose device it is: --person NAME.")
        return next(one for one in household.people if one.id == household.person)
    name = checked_name(name)
    if known := _named(household, name):
        if role not in (None, known.role):
            raise CommandRefused(
                f"{plain(known.name)} is known here as {known.role}. Leave --{role} out."
            )
        return known
    await client.ask(AddPerson(id=uuid7(), name=name, role=role or "member"))
    added = _named(await client.household(), name)
    if added is None:
        raise CommandRefused(f"{name} was not added. Try again.")
    screen.say(f"{plain(added.name)} is new here, as {added.role}.")
    return added


def _named(household: Household, name: str) -> PersonShown | None:
    found = [one for one in household.people if one.name.casefold() == name.casefold()]
    if len(found) > 1:
        raise CommandRefused(f"Two people are called {name}. Rename one of them in the app.")
    return found[0] if found else None
