"""What the home knows of a signaling server's relay: over real HTTP, with real probes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from gpu_peer.transports import probe, relay_choice
from gpu_peer.transports.ice_servers import NONE, IceServers, Server, Transport, Turn
from gpu_peer.transports.relay import LOOK_S, PROBE_S, RETRY_S, Relay
from gpu_peer.transports.relay_choice import Choice
from protocol.roads import TURN_LIFE_S, RelayAccess
from tests.gpu_peer.support.signaling_home import WatchedAlarm
from tests.gpu_peer.support.stun_server import StunServer, a_stun_server
from tests.gpu_peer.support.vds import Vds, a_vds
from tests.gpu_peer.support.virtual_clock import VirtualClock

HERE = "127.0.0.1"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "UDP_S", (0.05, 0.05))
    monkeypatch.setattr(probe, "STREAM_S", 0.5)


@pytest.fixture
async def server() -> AsyncIterator[StunServer]:
    async with a_stun_server() as server:
        yield server


def access(server: StunServer, *turn: str, name: str = HERE, user: str = "9:me") -> RelayAccess:
    return RelayAccess(
        stun=[f"stun:{name}:{server.port}"],
        turn=[f"turn:{name}:{server.port}?transport={by}" for by in turn or ("udp", "tcp")],
        username=user,
        credential="password",
        expires_in_s=TURN_LIFE_S,
    )


async def choose(access: RelayAccess, local: list[str], *, may_be_near: bool) -> IceServers:
    """Give what is known once all have answered or were silent."""
    choice = Choice()
    await choice.make(access, local, may_be_near=may_be_near)
    return choice.servers


def found(server: StunServer, by: str, user: str = "9:me") -> IceServers:
    stun = Server(HERE, server.port, "udp")
    turn = Turn(Server(HERE, server.port, by), user, "password")  # type: ignore[arg-type]
    return IceServers(stun=stun, stun_from=frozenset({HERE}), turn=turn)


class Told:
    """A relay that is kept fresh, and its server."""

    def __init__(self, vds: Vds, address: str) -> None:
        self.vds = vds
        self.clock = VirtualClock()
        self.addresses = [HERE]
        self.minted = 0
        self.relay = Relay(address, self._mint, self.clock, lambda: list(self.addresses))
        self.relay._alarm = self._alarm = WatchedAlarm(self.clock)

    def _mint(self) -> str:
        self.minted += 1
        return f"token-{self.minted}"

    async def rests(self) -> IceServers:
        """Wait until nothing is left to do now, and give what is known."""
        async with asyncio.timeout(20):
            assert await self._alarm.rests.get() == LOOK_S
        return self.relay.ice_servers()

    async def wakes(self) -> IceServers:
        self.relay.wake()
        return await self.rests()

    async def later(self, seconds: float) -> IceServers:
        """Let time pass, a look at a time."""
        known = NONE
        for _ in range(round(seconds / LOOK_S)):
            self.clock.advance(LOOK_S)
            known = await self.rests()
        return known


@asynccontextmanager
async def told(access: RelayAccess | None) -> AsyncIterator[Told]:
    async with a_vds() as (vds, address):
        vds.access = access
        told = Told(vds, address)
        task = asyncio.ensure_future(told.relay.run())
        try:
            await told.rests()
            yield told
        finally:
            task.cancel()
            await asyncio.wait((task,))


async def test_nothing_is_asked_before_the_server_is_reached(server: StunServer) -> None:
    async with told(access(server)) as it:
        assert await it.later(60) == NONE
        assert it.minted == 0
        assert await it.wakes() == found(server, "udp")
        assert it.vds.bearers.get_nowait() == "Bearer token-1"


async def test_it_is_renewed_at_half_its_life_with_a_new_token(server: StunServer) -> None:
    async with told(access(server)) as it:
        await it.wakes()
        it.vds.access = access(server, user="10:me")
        assert await it.later(TURN_LIFE_S / 2 - LOOK_S) == found(server, "udp")
        assert await it.later(LOOK_S) == found(server, "udp", "10:me")
        assert it.minted == 2


async def test_credentials_that_ended_are_not_used(server: StunServer) -> None:
    async with told(access(server)) as it:
        await it.wakes()
        it.vds.access = None
        assert (await it.later(TURN_LIFE_S - LOOK_S)).turn is not None
        known = await it.later(LOOK_S)
        assert known.turn is None
        assert known.stun is not None
        it.vds.access = access(server)
        assert await it.later(RETRY_S) == found(server, "udp")


async def test_a_server_that_falls_silent_is_noticed_and_found_again(server: StunServer) -> None:
    async with told(access(server)) as it:
        await it.wakes()
        server.silent = True
        assert await it.later(PROBE_S) == NONE
        server.silent = False
        assert await it.later(RETRY_S) == found(server, "udp")


async def test_a_relay_that_gave_no_allocation_is_asked_at_once_whether_it_still_answers(
    server: StunServer,
) -> None:
    async with a_stun_server() as udp, told(access(server, "tcp")) as it:
        assert it.vds.access is not None
        it.vds.access.turn.extend(access(udp, "udp").turn)
        await it.wakes()
        assert (await it.later(LOOK_S)).turn == found(udp, "udp").turn
        udp.silent = True
        it.relay.failed()
        assert await it.rests() == found(server, "tcp")


async def test_failures_one_after_another_are_no_more_probes(server: StunServer) -> None:
    async with told(access(server)) as it:
        await it.wakes()
        asked = len(server.asked)
        it.relay.failed()
        it.relay.failed()
        await it.rests()
        assert len(server.asked) == asked
        await it.later(LOOK_S)
        assert len(server.asked) == 2 * asked


async def test_another_address_of_this_machine_is_looked_at_at_once(server: StunServer) -> None:
    async with told(access(server)) as it:
        await it.wakes()
        it.addresses.append("127.0.0.2")
        known = await it.later(LOOK_S)
        assert known.stun_from == {HERE, "127.0.0.2"}


@pytest.mark.parametrize(
    "said",
    [
        lambda: web.Response(status=401),
        lambda: web.Response(body=b"<html>"),
        lambda: web.Response(body=b'{"stun":[],"turn":[],"expires_in_s":-1}'),
        lambda: web.Response(body=b" " * 100_000),
        lambda: web.Response(status=302, headers={"Location": "/elsewhere"}),
    ],
    ids=["refused", "no JSON", "another shape", "too long", "sent elsewhere"],
)
async def test_what_is_no_answer_is_asked_for_again(
    server: StunServer, said: Callable[[], web.Response]
) -> None:
    async with told(access(server)) as it:
        it.vds.relay_says = said
        assert await it.wakes() == NONE
        it.vds.relay_says = None
        assert await it.later(RETRY_S) == found(server, "udp")


async def test_udp_before_tcp_before_tls_by_what_answers(server: StunServer) -> None:
    async with a_stun_server() as other:
        both = RelayAccess(
            stun=[],
            turn=[
                f"turns:{HERE}:{server.port}?transport=tcp",
                f"turn:{HERE}:{server.port}?transport=tcp",
                f"turn:{HERE}:{other.port}?transport=udp",
            ],
            username="u",
            credential="c",
            expires_in_s=9,
        )
        for silent, by in [(False, "udp"), (True, "tcp")]:
            other.silent = silent
            chosen = await choose(both, [HERE], may_be_near=True)
            assert chosen.turn is not None
            assert chosen.turn.server.transport == by


class Gate:
    """Holds back the real probes by one transport until it is opened."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._ended = asyncio.Event()

    async def answers(self, server: Server, local: str | None) -> bool:
        await self._open.wait()
        did = await probe.answers(server, local)
        self._ended.set()
        return did

    async def open(self) -> None:
        """Let the probe go, and wait until it is known how it ended."""
        self._open.set()
        await self._ended.wait()


@pytest.fixture
def gates(monkeypatch: pytest.MonkeyPatch) -> dict[Transport, Gate]:
    gates: dict[Transport, Gate] = {"udp": Gate(), "tcp": Gate()}

    async def answers(server: Server, local: str | None = None) -> bool:
        return await gates[server.transport].answers(server, local)

    monkeypatch.setattr(relay_choice, "answers", answers)
    return gates


def turn_alone(server: StunServer) -> RelayAccess:
    turn = access(server, "tcp", "udp").turn
    return RelayAccess(stun=[], turn=turn, username="9:me", credential="password", expires_in_s=9)


def transport(choice: Choice) -> Transport | None:
    return choice.servers.turn and choice.servers.turn.server.transport


async def test_what_answers_first_is_used_until_a_better_one_answers(
    server: StunServer, gates: dict[Transport, Gate]
) -> None:
    choice = Choice()
    asking = asyncio.ensure_future(choice.make(turn_alone(server), [HERE], may_be_near=True))
    await gates["tcp"].open()
    assert transport(choice) == "tcp"
    await gates["udp"].open()
    assert transport(choice) == "udp"
    await asking


async def test_what_was_known_counts_until_its_own_probe_has_ended(
    server: StunServer, gates: dict[Transport, Gate]
) -> None:
    choice = Choice()
    choice.servers = found(server, "udp")
    asking = asyncio.ensure_future(choice.make(turn_alone(server), [HERE], may_be_near=True))
    await gates["tcp"].open()
    assert transport(choice) == "udp"
    server.silent = True
    await gates["udp"].open()
    assert transport(choice) == "tcp"
    await asking


async def test_of_a_names_addresses_one_that_answers_is_kept(
    server: StunServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["::1", HERE]

    monkeypatch.setattr(relay_choice, "resolve", resolve)
    chosen = await choose(access(server, name="vds.example"), [HERE], may_be_near=True)
    assert chosen == found(server, "udp")


async def test_a_server_on_the_internet_has_no_door_in_this_network_knocked_at(
    server: StunServer,
) -> None:
    assert await choose(access(server), [HERE], may_be_near=False) == NONE
    assert server.asked == []


async def test_who_gets_no_credentials_has_stun_alone(server: StunServer) -> None:
    stun = RelayAccess(stun=access(server).stun, turn=[], expires_in_s=9)
    chosen = await choose(stun, [HERE, "::1"], may_be_near=True)
    assert chosen == IceServers(Server(HERE, server.port, "udp"), frozenset({HERE}))


async def test_no_more_is_looked_at_than_a_few(server: StunServer) -> None:
    many = RelayAccess(
        stun=["nonsense"] * 8 + access(server).stun,
        turn=["turns:"] * 8 + access(server).turn,
        username="u",
        credential="c",
        expires_in_s=9,
    )
    assert await choose(many, [HERE], may_be_near=True) == NONE
