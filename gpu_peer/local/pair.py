"""`python -m gpu_peer pair`: lets one device be paired, and stays until it is or is not."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

from gpu_peer.config import LOOPBACK
from gpu_peer.errors import CommandRefused, PeerError
from gpu_peer.local.client import Client
from gpu_peer.local.people import person_of
from gpu_peer.local.qr import half_blocks
from gpu_peer.local.screen import Screen, in_groups, plain
from gpu_peer.uuid7 import uuid7
from protocol.errors import ErrorCode
from protocol.household import (
    AnswerPairing,
    CloseInvitation,
    InvitationEnded,
    InvitationOpened,
    NewRole,
    OpenInvitation,
    PairingAsked,
    PersonShown,
)
from protocol.trust import PairingMethod

GRACE_S = 15.0
"""So much longer than the invitation lives is the home's word on its end waited for.

A device that was let in at the last moment has ten seconds to finish.
"""

CLOSE_WITHIN_S = 1.0

EXPIRED = "No device was paired in time, and the code is good for nothing now. Start again."
ENDINGS: dict[ErrorCode, str] = {
    "pairing_closed": "Another invitation was opened elsewhere, which ended this one.",
    "pairing_expired": EXPIRED,
    "pairing_locked": "Ten wrong codes were tried, so no more are taken. Start again.",
    "pairing_declined": (
        "No device was paired. If the codes differ again, somebody may be in between."
    ),
}


async def pair(
    client: Client, name: str | None, role: NewRole | None, screen: Screen, *, compare: bool
) -> bool:
    """Open an invitation and say what becomes of it. Gives whether a device was paired.

    Cancelling closes the invitation.

    Raises:
        CommandRefused: the home refused; nothing is open.
        HomeNotRunning: it ended.
    """
    person = await person_of(client, name, role, screen)
    method: PairingMethod = "compare" if compare else "secret"
    try:
        opened = await client.ask(OpenInvitation(id=uuid7(), person=person.id, method=method))
        if not isinstance(opened, InvitationOpened) or (opened.secret is None) != compare:
            raise CommandRefused("The home opened another kind of invitation. Update Hearth.")
        _show(opened, person, client.origin, screen)
        ended = await _end_of(opened, client, screen)
    except asyncio.CancelledError:
        # A second one ends this too; the home closes the invitation with the connection.
        with suppress(PeerError, TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await client.ask(CloseInvitation(id=uuid7()))
        raise
    if ended.device is not None:
        household = await client.household()
        names = [device.name for device in household.devices if device.id == ended.device]
        screen.say(f"Paired: {plain(names[0]) if names else 'it'} is {plain(person.name)}'s now.")
        return True
    known = ENDINGS.get(ended.code) if ended.code else None
    screen.say(known or plain(ended.message or "No device was paired. Start again."))
    return False


def _show(opened: InvitationOpened, person: PersonShown, origin: str, screen: Screen) -> None:
    screen.say(f"The device is to be {plain(person.name)}'s ({person.role}).", "")
    if urlsplit(origin).hostname in LOOPBACK:
        screen.say(f"{origin} opens on this PC only; for others set HEARTH_ORIGIN.", "")
    if opened.secret is None:
        screen.say(f"Open {origin}/pair on it and choose to compare codes.")
        screen.say("When it shows a code, it is shown here too.", "")
        return
    screen.say(f"Scan this on it, or open {origin}/pair and type the code:", "")
    screen.say(f"    {in_groups(opened.secret)}", "")
    _draw(f"{origin}/pair#{opened.home}.{opened.secret}", screen)


def _draw(link: str, screen: Screen) -> None:
    lines = half_blocks(link, coloured=screen.is_terminal)
    wide = len(half_blocks(link, coloured=False)[0])
    if not screen.can_show("▀▄█"):
        screen.say("This terminal cannot draw a QR code.")
    elif screen.columns is not None and screen.columns < wide:
        screen.say(f"For a QR code the window has to be {wide} columns wide.")
    else:
        screen.say(*lines)


async def _end_of(opened: InvitationOpened, client: Client, screen: Screen) -> InvitationEnded:
    seconds = opened.life_ms // 1000
    try:
        async with asyncio.timeout(seconds + GRACE_S) as limit, screen.counting_down(seconds):
            told = await client.told()
            if isinstance(told, InvitationEnded):
                return told
            # From now on it is people who take their time, as long again.
            limit.reschedule(asyncio.get_running_loop().time() + seconds + GRACE_S)
            return await _compare(told, client, screen)
    except TimeoutError:
        return InvitationEnded(code="pairing_expired")


async def _compare(asked: PairingAsked, client: Client, screen: Screen) -> InvitationEnded:
    """Ask the person, and hear meanwhile whether it is over: the device may have gone."""
    answering = asyncio.ensure_future(_answer(asked, client, screen))
    try:
        while True:
            told = await client.told()
            if isinstance(told, InvitationEnded):
                return told
    finally:
        if not answering.done():
            screen.say("")  # the question stays without an answer
        answering.cancel()
        await asyncio.wait((answering,))


async def _answer(asked: PairingAsked, client: Client, screen: Screen) -> None:
    screen.say(f"A device that calls itself '{plain(asked.name)}' shows a code. Here it is:", "")
    screen.say(f"    {in_groups(asked.code)}", "")
    equal = await screen.is_yes("Does the device show the same?")
    with suppress(PeerError):  # it is over; the end says how
        await client.ask(AnswerPairing(id=uuid7(), equal=equal))
