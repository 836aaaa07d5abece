"""A device from its first message to its last: received, then served the chats of its person."""

from collections.abc import Callable

import structlog

from gpu_peer.chat.connection import DeviceConnection
from gpu_peer.chat.home import Home
from gpu_peer.clock import Clock
from gpu_peer.errors import PeerError
from gpu_peer.household.desk import Asker
from gpu_peer.household.household import Household
from gpu_peer.household.reception import Reception, Tickets
from gpu_peer.logs import describe
from gpu_peer.transports.channel import Channel
from gpu_peer.transports.signaled_sessions import Serve
from gpu_peer.trust.connect import Fingerprints
from protocol.roads import RoadName

log = structlog.get_logger()


def serving(
    home: Home,
    household: Household,
    clock: Clock,
    road: RoadName,
    tickets: Tickets | None = None,
    on_bound: Callable[[], None] = lambda: None,
) -> Serve:
    """Give what serves the channels of one road.

    Args:
        home: The chats.
        household: Who may come in.
        clock: The time.
        road: Its name in the list of devices.
        tickets: For devices to dial with the next time.
        on_bound: Called once a device has proved that it is known here.
    """

    async def serve(channel: Channel, fingerprints: Fingerprints) -> None:
        opened = await Reception(household, channel, fingerprints, clock, tickets).run()
        if opened is None:
            log.info("device_not_admitted")
            return
        on_bound()
        asker = Asker(opened.device.person, opened.device.id)
        log.info("device_connected")
        try:
            async with household.connected(opened, road, channel.cut):
                await DeviceConnection(asker, channel, home, household, clock).run()
        except* PeerError as error:
            log.warning("device_not_served", **describe(error))
        log.info("device_gone")

    return serve
