"""Keeps at hand which STUN and TURN server of one signaling server the next connection may ask.

One that is silent would have every answer to an offer wait for it, so all are asked beforehand, and
again when this machine's addresses change.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

import aiohttp
import structlog

from gpu_peer.clock import Clock
from gpu_peer.transports.alarm import Alarm
from gpu_peer.transports.gathering import host_addresses
from gpu_peer.transports.http_body import read_body
from gpu_peer.transports.ice_servers import IceServers
from gpu_peer.transports.relay_choice import Choice, resolve
from gpu_peer.transports.road import is_near
from protocol import codec
from protocol.errors import ProtocolError
from protocol.roads import RelayAccess

PATH = "/api/relay"

LOOK_S = 5.0
"""So often this machine's addresses are compared."""

PROBE_S = 120.0
"""So often the servers are asked whether they still answer."""

RETRY_S = 30.0
"""So soon that is done again where something did not answer."""

ANSWER_S = 10.0
ANSWER_BYTES = 65_536

_access: codec.Decoder[RelayAccess] = codec.Decoder(RelayAccess)

log = structlog.get_logger()


class Relay:
    """See the module."""

    def __init__(
        self,
        server: str,
        assertion: Callable[[], str],
        clock: Clock,
        addresses: Callable[[], Sequence[str]] = host_addresses,
    ) -> None:
        """Prepare.

        Args:
            server: The signaling server's address, without a path.
            assertion: Signs a fresh token for each request.
            clock: The time.
            addresses: Gives those of this machine.
        """
        self._server = server
        self._assertion = assertion
        self._clock = clock
        self._addresses = addresses
        self._alarm = Alarm(clock)
        self._access: RelayAccess | None = None
        self._renew_s = math.inf
        self._ends_s = self._probe_s = clock.now_s()
        self._probed_s = -math.inf
        self._probed_from: list[str] = []
        self._choice = Choice()

    def ice_servers(self) -> IceServers:
        """Give what answered; the relay only while the credentials for it are good."""
        if self._clock.now_s() >= self._ends_s:
            return replace(self._choice.servers, turn=None)
        return self._choice.servers

    def wake(self) -> None:
        """Ask for it, or for it anew: the signaling server has just been reached."""
        self._renew_s = self._clock.now_s()
        self._alarm.ring()

    def failed(self) -> None:
        """Ask the servers again now: a connection had no allocation from what had answered.

        No more often than addresses are compared, or whoever dials could keep this PC asking.
        """
        self._probe_s = min(self._probe_s, self._probed_s + LOOK_S)
        self._alarm.ring()

    async def run(self) -> None:
        """Keep it fresh until cancelled."""
        async with aiohttp.ClientSession() as http:
            while True:
                await self._look(http)
                await self._alarm.rest(LOOK_S)

    async def _look(self, http: aiohttp.ClientSession) -> None:
        if self._clock.now_s() >= self._renew_s:
            await self._renew(http)
        addresses = list(self._addresses())
        if addresses != self._probed_from or self._clock.now_s() >= self._probe_s:
            await self._probe(addresses)

    async def _renew(self, http: aiohttp.ClientSession) -> None:
        asked_s = self._clock.now_s()
        try:
            self._access = await self._ask(http)
        except (aiohttp.ClientError, OSError, ProtocolError) as error:
            log.debug("relay_not_told", kind=type(error).__name__)
            self._renew_s = asked_s + RETRY_S
            return
        life_s = self._access.expires_in_s
        self._ends_s = asked_s + life_s
        self._renew_s = asked_s + max(life_s / 2, RETRY_S)
        self._probe_s = asked_s

    async def _ask(self, http: aiohttp.ClientSession) -> RelayAccess:
        async with http.get(
            self._server + PATH,
            headers={"Authorization": f"Bearer {self._assertion()}"},
            allow_redirects=False,  # the token is for this server
            timeout=aiohttp.ClientTimeout(total=ANSWER_S),
            raise_for_status=True,
        ) as answer:
            return _access.decode(await read_body(answer, ANSWER_BYTES))

    async def _probe(self, addresses: list[str]) -> None:
        self._probed_from = addresses
        access = self._access
        if access is None:
            return
        place = urlsplit(self._server)
        near = [is_near(a) for a in await resolve(place.hostname or "", place.port or 443)]
        before = self._choice.servers
        await self._choice.make(access, addresses, may_be_near=any(near))
        found = self._choice.servers
        if found != before:
            log.info(
                "relay_found",
                stun=found.stun is not None,
                turn=found.turn and found.turn.server.transport,
            )
        complete = (found.stun or not access.stun) and (found.turn or not access.turn)
        self._probed_s = self._clock.now_s()
        self._probe_s = self._probed_s + (PROBE_S if complete else RETRY_S)
