"""The home by polling, against a server that keeps to docs/protocol.md."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from gpu_peer.transports import signaling_poll
from gpu_peer.transports.signaling_client import REPLACED_S, SOCKET_AGAIN_S
from gpu_peer.transports.signaling_poll import TRIES
from protocol.accounts import Problem
from protocol.signaling import Offer, Pong, Refusal, SignalingError, SignalPosted
from tests.gpu_peer.support.polling_vds import PollingVds
from tests.gpu_peer.support.signaling_home import PEER, SignalingHome, running
from tests.gpu_peer.support.vds import a_vds

OFFER = SignalPosted(room="room", sender=PEER, signal=Offer(connection="c", sdp="v=0"))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signaling_poll, "FIRST_S", 0.0)


@pytest.fixture
async def vds() -> AsyncIterator[tuple[PollingVds, str]]:
    async with a_vds(PollingVds()) as pair:
        yield pair


async def polled(server: PollingVds) -> str:
    async with asyncio.timeout(20):
        return await server.polled.get()


async def answered(server: PollingVds) -> None:
    """Wait until the home has answered an offer."""
    async with asyncio.timeout(20):
        posted = await server.posted.get()
    assert isinstance(posted.signal, Refusal)


async def renewed(home: SignalingHome) -> None:
    """Let the rest before the next try pass."""
    await home.rests()
    home.clock.advance(15)


async def test_where_no_socket_opens_signals_pass_all_the_same(
    vds: tuple[PollingVds, str],
) -> None:
    server, address = vds
    async with running(address) as home:
        await polled(server)
        server.poll_raw(b'{"type":"news"}')
        server.poll(OFFER)
        await answered(server)
        server.poll(Pong())
        server.poll(OFFER)
        await answered(server)
        assert home.signals.taken == [OFFER, OFFER]
        assert (home.ready, server.polls) == (1, ["secret-0"])
    assert await server.ended.get() == "secret-0"


async def test_what_was_lost_on_the_way_is_asked_for_again(vds: tuple[PollingVds, str]) -> None:
    server, address = vds
    async with running(address) as home:
        await polled(server)
        server.lose = TRIES - 1
        server.poll(OFFER)
        await answered(server)
        assert home.signals.taken == [OFFER]
        assert (server.lose, server.polls) == (0, ["secret-0"])


async def test_what_was_said_and_not_acknowledged_is_heard_once(
    vds: tuple[PollingVds, str],
) -> None:
    server, address = vds
    async with running(address) as home:
        await polled(server)
        await home.comes()
        server.lose = 1
        await home.client.vouch("one")
        # What is said while a request is under way goes with the next, in order.
        await asyncio.gather(*(home.client.vouch(f"{n}") for n in range(9)))
        heard = [server.vouched.get_nowait() for _ in range(10)]
        assert heard == ["one", *map(str, range(9))]
        assert (server.lose, server.vouched.empty()) == (0, True)


@pytest.mark.parametrize(
    "body",
    [
        b'{"next":7,"messages":[]}',
        b'{"next":0,"messages":[]}',
        b'{"messages":[]}',
        b"<html>",
        b"\xff",
        b"[" * 5_000_000,
    ],
    ids=["a gap", "going back", "no number", "a page", "no text", "too long"],
)
async def test_a_page_that_is_none_ends_the_poll(vds: tuple[PollingVds, str], body: bytes) -> None:
    server, address = vds
    async with running(address) as home:
        await polled(server)
        server.poll(OFFER)
        await answered(server)
        server.break_down(body)
        await home.rests()
        server.broken = None
        home.clock.advance(15)
        assert await polled(server) == "secret-1"
        assert len(set(server.tokens)) == 2  # each good once


async def test_a_poll_that_the_server_forgot_is_opened_anew(vds: tuple[PollingVds, str]) -> None:
    server, address = vds
    async with running(address) as home:
        await polled(server)
        server.poll(OFFER)
        await answered(server)
        server.forget()
        await renewed(home)
        assert await polled(server) == "secret-1"


async def test_a_refusal_is_waited_out(vds: tuple[PollingVds, str]) -> None:
    server, address = vds
    server.problem = (429, Problem(code="rate_limited", message="Slow.", retry_after_s=60))
    async with running(address) as home:
        assert await home.rests() == 60
        server.problem = None
        home.clock.advance(60)
        await polled(server)


async def test_a_home_that_was_replaced_does_not_fight_for_its_place(
    vds: tuple[PollingVds, str],
) -> None:
    server, address = vds
    async with running(address) as home:
        await polled(server)
        server.poll(SignalingError(code="replaced", message="Another process has this key."))
        assert await home.rests() == REPLACED_S


async def test_the_socket_takes_over_once_it_opens(vds: tuple[PollingVds, str]) -> None:
    server, address = vds
    async with running(address) as home:
        await polled(server)
        await home.comes()
        server.lets_sockets = True
        home.clock.advance(SOCKET_AGAIN_S)
        await server.home()
        await home.comes()
        assert await server.ended.get() == "secret-0"
        await server.say(OFFER)
        await answered(server)


async def test_who_polls_begins_with_polling_when_that_is_lost(
    vds: tuple[PollingVds, str],
) -> None:
    server, address = vds
    async with running(address) as home:
        await polled(server)
        await home.comes()
        server.lets_sockets = True  # not tried before its time: it may take ten seconds to fail
        server.forget()
        await renewed(home)
        assert await polled(server) == "secret-1"
        assert server.arrivals == 0


async def test_a_server_without_polls_is_tried_again() -> None:
    class Old(PollingVds):
        def routes(self) -> list[web.RouteDef]:
            return []

    async with a_vds(Old()) as (server, address), running(address) as home:
        for _ in range(3):
            await renewed(home)
        await home.rests()
        assert (home.ready, server.tokens) == (0, [])
