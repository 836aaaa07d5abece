"""The roads that need no server: the PC's own network, and the PC itself."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiortc import RTCCertificate

from gpu_peer.clock import Clock
from gpu_peer.config import Config
from gpu_peer.household.desk import Asker, Desk
from gpu_peer.household.household import Household
from gpu_peer.identity import Identity
from gpu_peer.local.control import OpenDesk
from gpu_peer.local.server import local_server
from gpu_peer.transports.certificate import fingerprint_of
from gpu_peer.transports.lan.listener import LanListener, Reachable
from gpu_peer.transports.lan.name import MulticastName, name_of
from gpu_peer.transports.lan.tickets import LanTickets
from gpu_peer.transports.signaled_sessions import Serve
from protocol.roads import RoadName

ServeOn = Callable[[RoadName], Serve]
"""Gives what serves the channels of a road."""


def tickets_of(household: Household, certificate: RTCCertificate) -> LanTickets:
    """Give what hands out tickets; of use once somebody listens."""
    name = name_of(household.home_id)
    return LanTickets(household.lan, fingerprint_of(certificate), name)


@asynccontextmanager
async def reached_in_lan(
    config: Config,
    household: Household,
    certificate: RTCCertificate,
    tickets: LanTickets,
    serve_on: ServeOn,
    clock: Clock,
) -> AsyncIterator[None]:
    """Be dialed by addresses and by name, unless the settings say otherwise."""
    if config.lan_port == 0:
        yield
        return
    name = MulticastName(name_of(household.home_id))

    async def moved(reachable: Reachable | None) -> None:
        await tickets.moved(reachable)
        await name.moved(reachable)

    listener = LanListener(
        household.lan, certificate, serve_on("lan"), clock, config.lan_port, moved
    )
    try:
        await listener.open()
        yield
    finally:
        await listener.close()
        await name.close()


@asynccontextmanager
async def reached_on_pc(
    config: Config, identity: Identity, household: Household, serve_on: ServeOn
) -> AsyncIterator[None]:
    """Be reached by browsers and programs of this machine.

    Raises:
        NoLocalPort: see `local_server`.
        KeyUnreadable: see there.
    """

    def log_in() -> str:
        return identity.log_in_assertion(config.origin_here, household.owner_name, time.time())

    desks = _desks_at_the_pc(household)
    async with local_server(config, household, desks, serve_on("local"), log_in):
        yield


def _desks_at_the_pc(household: Household) -> OpenDesk:
    """Give desks at which the PC's user speaks for the owner."""
    return lambda send: Desk(household, Asker(household.owner, None), send)
