from collections.abc import AsyncIterator

import pytest

from gpu_peer.transports.signaling_client import REPLACED_S, VOUCH_S
from protocol.signaling import Offer, Refusal, SignalingError, SignalPosted
from tests.gpu_peer.support.signaling_home import PEER, running
from tests.gpu_peer.support.vds import Vds, a_vds


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
        await home.rests()
        await home.client.post("room", "p", Refusal(connection="c", code="internal", message="x"))
        home.clock.advance(15)
        await server.home()
        assert server.tokens == ["token-1", "token-2"]
        assert [await home.comes(), await home.comes()] == [1, 2]


async def test_a_refusal_is_waited_out(vds: tuple[Vds, str]) -> None:
    server, address = vds
    server.refuse = SignalingError(code="rate_limited", message="Slow.", retry_after_s=60)
    async with running(address) as home:
        assert await home.rests() == 60
        server.refuse = None
        home.clock.advance(60)
        await server.home()
        assert server.arrivals == 2


async def test_a_wake_cuts_the_wait_short(vds: tuple[Vds, str]) -> None:
    server, address = vds
    async with running(address) as home:
        await (await server.home()).close()
        await home.rests()
        home.client.wake()
        await server.home()


async def test_a_server_that_is_not_there_is_tried_again() -> None:
    async with running("http://127.0.0.1:1") as home:
        for _ in range(3):
            await home.rests()
            home.clock.advance(15)
        await home.rests()
        assert (home.minted, home.ready) == (4, 0)


async def test_a_home_that_was_replaced_does_not_fight_for_its_place(vds: tuple[Vds, str]) -> None:
    server, address = vds
    async with running(address) as home:
        await server.home()
        await server.say(SignalingError(code="replaced", message="Another process has this key."))
        assert await home.rests() == REPLACED_S
        home.clock.advance(REPLACED_S)
        await server.home()


async def test_a_room_is_vouched_for_once_a_day(vds: tuple[Vds, str]) -> None:
    server, address = vds
    async with running(address) as home:
        await home.client.vouch("early")  # nobody hears it, so it does not count
        await server.home()
        await home.comes()
        for room in ("early", "room", "room", "other"):
            await home.client.vouch(room)
        home.clock.advance(VOUCH_S - 1)
        await home.client.vouch("room")
        home.clock.advance(1)
        await home.client.vouch("room")
        heard = [await server.vouched.get() for _ in range(4)]
        assert heard == ["early", "room", "other", "room"]
        assert server.vouched.empty()
