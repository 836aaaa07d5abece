import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gpu_peer.transports.ice_servers import NONE
from gpu_peer.transports.introducer import Introducer
from gpu_peer.transports.signaling_client import REPLACED_S, SignalingClient
from protocol.accounts import User
from protocol.signaling import Offer, Refusal, RoomPeer, SignalingError, SignalPosted
from tests.gpu_peer.support.vds import Vds, a_vds
from tests.gpu_peer.support.virtual_clock import VirtualClock

PEER = RoomPeer(id="p", role="device", user=User(id="u", name="U"))


class Recorder:
    """Takes signals, and answers each offer with a refusal."""

    def __init__(self) -> None:
        self.taken: list[SignalPosted] = []

    def take(self, posted: SignalPosted, introducer: Introducer) -> None:
        self.taken.append(posted)
        refusal = Refusal(connection="c", code="malformed", message="no")
        answered = introducer.post(posted.room, posted.sender.id, refusal)
        self.task = asyncio.ensure_future(answered)


class Home:
    def __init__(self, address: str) -> None:
        self.clock = VirtualClock()
        self.signals = Recorder()
        self.ready = 0
        self.came: asyncio.Queue[int] = asyncio.Queue()
        self.minted = 0
        self.client = SignalingClient(
            address, address, self._mint, self.signals, self.clock, self._ready, lambda: NONE
        )

    def _mint(self) -> str:
        self.minted += 1
        return f"token-{self.minted}"

    def _ready(self) -> None:
        self.ready += 1
        self.came.put_nowait(self.ready)

    async def resting(self) -> None:
        """Wait until the client waits to try again."""
        while not self.clock._due:  # noqa: ASYNC110  # a turn of the loop, not a wait
            await asyncio.sleep(0)


@asynccontextmanager
async def running(address: str) -> AsyncIterator[Home]:
    home = Home(address)
    task = asyncio.ensure_future(home.client.run())
    try:
        yield home
    finally:
        task.cancel()
        await asyncio.wait((task,))


@pytest.fixture
async def vds() -> AsyncIterator[tuple[Vds, str]]:
    async with a_vds() as pair:
        yield pair


async def test_signals_pass_both_ways(vds: tuple[Vds, str]) -> None:
    server, address = vds
    async with running(address) as home:
        await server.home()
        await server.say_raw('{"type":"news"}')
        await server.say_raw("nonsense")
        offer = Offer(connection="c", sdp="v=0")
        await server.signal(PEER, offer)
        posted = await server.posted.get()
        assert home.signals.taken == [SignalPosted(room="room", sender=PEER, signal=offer)]
        assert (posted.room, posted.to) == ("room", "p")
        assert isinstance(posted.signal, Refusal)
        assert home.ready == 1


async def test_a_lost_server_is_found_again_with_a_new_token(vds: tuple[Vds, str]) -> None:
    server, address = vds
    async with running(address) as home:
        await (await server.home()).close()
        await home.resting()
        await home.client.post("room", "p", Refusal(connection="c", code="internal", message="x"))
        home.clock.advance(15)
        await server.home()
        assert server.tokens == ["token-1", "token-2"]
        assert [await home.came.get(), await home.came.get()] == [1, 2]


async def test_a_refusal_is_waited_out(vds: tuple[Vds, str]) -> None:
    server, address = vds
    server.refuse = SignalingError(code="rate_limited", message="Slow.", retry_after_s=60)
    async with running(address) as home:
        await home.resting()
        server.refuse = None
        home.clock.advance(59)
        assert home.ready == 0
        assert len(home.clock._due) == 1
        home.clock.advance(1)
        await server.home()
        assert server.arrivals == 2


async def test_a_wake_cuts_the_wait_short(vds: tuple[Vds, str]) -> None:
    server, address = vds
    async with running(address) as home:
        await (await server.home()).close()
        await home.resting()
        home.client.wake()
        await server.home()


async def test_a_server_that_is_not_there_is_tried_again() -> None:
    async with running("http://127.0.0.1:1") as home:
        for _ in range(3):
            await home.resting()
            home.clock.advance(15)
        await home.resting()
        assert (home.minted, home.ready) == (4, 0)


async def test_a_home_that_was_replaced_does_not_fight_for_its_place(vds: tuple[Vds, str]) -> None:
    server, address = vds
    async with running(address) as home:
        await server.home()
        await server.say(SignalingError(code="replaced", message="Another process has this key."))
        await home.resting()
        assert home.clock.waits(REPLACED_S)
        home.clock.advance(REPLACED_S)
        await server.home()
