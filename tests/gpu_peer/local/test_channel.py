"""The channel on the PC itself: a real server, a real socket, the whole reception, real chats."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gpu_peer.chat.connection import TICK_S
from gpu_peer.config import Config
from gpu_peer.errors import ChannelClosed
from gpu_peer.local import channel as local_channel
from gpu_peer.local.channel import own_origins
from gpu_peer.local.server import local_server
from gpu_peer.serving import serving
from gpu_peer.transports.certificate import fingerprint_of, load_certificate
from gpu_peer.transports.channel import Channel
from gpu_peer.transports.framed_channel import BUFFERED_BYTES
from gpu_peer.transports.heartbeat import INTERVAL_S, MISSES
from gpu_peer.transports.lan.listener import Reachable
from gpu_peer.transports.lan.tickets import LanTickets
from gpu_peer.transports.web_socket_channel import WebSocketChannel
from gpu_peer.trust.connect import Fingerprints
from gpu_peer.uuid7 import uuid7
from protocol import base64url, crockford
from protocol.chat import (
    AnswerEnded,
    ChatError,
    Delta,
    Draft,
    Heartbeat,
    MessageWritten,
    SendMessage,
)
from protocol.framing import FIRST, LAST
from protocol.household import InvitationEnded, PairingAsked
from protocol.limits import TEXT_CHARS
from protocol.transcript import SECRET_BYTES, Purpose, key_id
from protocol.trust import Bound, Challenge, PairAccept, Paired, PairOffer, TrustError
from tests.gpu_peer.local.house import House as Nobody
from tests.gpu_peer.local.house import config
from tests.gpu_peer.support.house import House
from tests.gpu_peer.support.lan import until
from tests.gpu_peer.support.socket_device import SocketDevice, loopback
from tests.gpu_peer.support.trust import PrivateKey, public, sign
from tests.gpu_peer.support.virtual_clock import VirtualClock

ORIGIN = "http://localhost:8080"


@dataclass
class Pc:
    """A house with its server on 127.0.0.1, and whoever opens sockets there."""

    house: House
    port: int
    http: aiohttp.ClientSession
    devices: list[SocketDevice] = field(default_factory=list)

    async def open(self, origin: str | None = ORIGIN) -> aiohttp.ClientWebSocketResponse:
        headers = {} if origin is None else {"Origin": origin}
        return await self.http.ws_connect(f"ws://127.0.0.1:{self.port}/channel", headers=headers)

    async def refused(self, origin: str | None) -> int:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await self.open(origin)
        return refused.value.status

    async def device(self, port: int | None = None, key: PrivateKey | None = None) -> SocketDevice:
        """Give a device of the owner's whose socket is open."""
        key = key or Ed25519PrivateKey.generate()
        household = self.house.household
        await household.devices.register(public(key), "Browser", household.owner, 1)
        return await self.stranger(port, key)

    async def stranger(
        self, port: int | None = None, key: PrivateKey | None = None
    ) -> SocketDevice:
        device = SocketDevice(await self.open(), port or self.port, key)
        self.devices.append(device)
        return device


@asynccontextmanager
async def a_pc(house: House, settings: Config) -> AsyncIterator[Pc]:
    settings.folder.mkdir(exist_ok=True)
    tickets = LanTickets(
        house.household.lan, fingerprint_of(load_certificate(settings.folder)), "x"
    )
    await tickets.moved(Reachable(("192.168.1.2",), 41234))
    serve = serving(house.home, house.household, house.clock, "local", tickets)
    nobody = Nobody()
    async with (
        aiohttp.ClientSession() as http,  # first, so that it sees how the server ends
        local_server(settings, house.household, nobody.open_desk, serve, nobody.log_in) as port,
    ):
        pc = Pc(house, port, http)
        yield pc
        for device in pc.devices:
            await device.leave()


@pytest.fixture
async def pc(house: House, tmp_path: Path) -> AsyncIterator[Pc]:
    async with a_pc(house, config(tmp_path)) as pc:
        yield pc


async def test_a_conversation(pc: Pc) -> None:
    device = await pc.device()
    await device.connect()
    bound = next(said for said in device.heard if isinstance(said, Bound))
    assert bound.lan is not None, "the ticket for the LAN dial is given here as well"
    await device.greet()
    begun = await device.ask(await device.create_chat(), "Hello")
    await pc.house.engine.submitted()
    pc.house.engine.say(begun.answer, "On this PC.")
    assert (await device.hear(Delta)).text == "On this PC."
    pc.house.engine.end(begun.answer)
    assert (await device.event(AnswerEnded)).text == "On this PC."
    (shown,) = (await pc.house.household.shown(pc.house.household.owner, None)).devices
    assert [(one.road, one.code) for one in shown.live] == [("local", device.code)]


class Host:
    def tell(self, news: PairingAsked | InvitationEnded) -> None:
        pass


async def test_pairing_on_the_pc_itself(pc: Pc) -> None:
    household = pc.house.household
    text = household.invitations.open(household.owner, "secret", Host()) or ""
    device = await pc.stranger()
    device.end.secret = crockford.from_text(text, SECRET_BYTES)
    device.say(device.end.request())
    device.say(device.end.reveal(await device.hear(PairOffer)))
    device.say(device.end.confirm(await device.hear(PairAccept)))
    await device.hear(Paired)
    await device.connect()
    await device.greet()


async def test_who_passes_it_on_from_another_port_is_refused_by_the_device(pc: Pc) -> None:
    """Another program's port, which leads here: the home's signature is of its own port."""
    device = await pc.device(port=pc.port - 1)
    device.say(device.end.introduce())
    challenge = await device.hear(Challenge)
    with pytest.raises(AssertionError, match="attack"):
        device.end.prove(challenge)


async def test_a_proof_of_another_port_is_refused_by_the_home(pc: Pc) -> None:
    device = await pc.device()
    device.say(device.end.introduce())
    proof = device.end.prove(await device.hear(Challenge))
    device.end.fingerprints = loopback(pc.port - 1)
    false = sign(device.key, device.end.transcript(Purpose.BIND).of("device"))
    device.say(msgspec.structs.replace(proof, signature=base64url.to_text(false)))
    assert (await device.hear(TrustError)).code == "proof_wrong"


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "https://evil.example",
        "http://localhost:8081",
        "https://localhost:8080",
        "http://localhost",
        "http://localhost:8080.evil.example",
        "http://127.0.0.2:8080",
        "http://localhost:8080/",
    ],
)
async def test_no_other_page_may_speak(pc: Pc, origin: str | None) -> None:
    assert await pc.refused(origin) == 403


@pytest.mark.parametrize("origin", [ORIGIN, "http://127.0.0.1:8080"])
async def test_the_app_has_both_names_of_this_machine(pc: Pc, origin: str) -> None:
    await (await pc.open(origin)).close()


async def test_an_app_from_elsewhere_may_not_speak(house: House, tmp_path: Path) -> None:
    async with a_pc(house, config(tmp_path, origin="https://hearth.example")) as pc:
        assert await pc.refused("https://hearth.example") == 403
        assert await pc.refused(ORIGIN) == 403


def test_origins_of_an_app_on_another_port_than_the_usual() -> None:
    assert own_origins("http://127.0.0.1:9000") == {
        "http://127.0.0.1:9000",
        "http://localhost:9000",
    }
    assert own_origins("http://localhost") == {"http://localhost", "http://127.0.0.1"}
    assert own_origins("https://hearth.example") == frozenset()


async def test_only_so_many_sockets(pc: Pc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_channel, "MAX_CHANNELS", 1)
    first = await pc.open()
    assert await pc.refused(ORIGIN) == 503
    await first.close()
    async with asyncio.timeout(5):
        while True:
            try:
                second = await pc.open()
                break
            except aiohttp.WSServerHandshakeError:
                continue
    await second.close()


async def test_what_is_not_a_socket_is_a_sentence(pc: Pc) -> None:
    answer = await pc.http.get(f"http://127.0.0.1:{pc.port}/channel", headers={"Origin": ORIGIN})
    assert answer.status == 400


async def test_what_is_not_a_message_costs_only_itself(pc: Pc) -> None:
    device = await pc.device()
    await device.connect()
    await device.greet()
    await device.socket.send_str("text frame")
    assert (await device.hear(ChatError)).code == "malformed"
    await device.socket.send_bytes(bytes([FIRST | LAST]) + b'{"type":"dance"}')
    assert (await device.hear(ChatError)).code == "unknown_type"
    await device.create_chat()


async def test_the_longest_text_arrives_and_comes_back_whole(pc: Pc) -> None:
    device = await pc.device()
    await device.connect()
    await device.greet()
    chat = await device.create_chat()
    text = "\x01ы" * (TEXT_CHARS // 2)
    device.say(SendMessage(id=uuid7(), chat=chat, message=uuid7(), text=text))
    assert (await device.event(MessageWritten)).text == text


async def test_a_removed_device_is_cut_off(pc: Pc) -> None:
    device = await pc.device()
    await device.connect()
    await device.greet()
    await pc.house.household.revoke(key_id(public(device.key)))
    with pytest.raises(ChannelClosed):
        await device.hear(Delta)


async def test_a_page_that_reads_nothing_costs_little_memory_and_can_be_cut(
    house: House, tmp_path: Path
) -> None:
    opened: asyncio.Future[WebSocketChannel] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def serve(channel: Channel, _: Fingerprints) -> None:
        assert isinstance(channel, WebSocketChannel)
        opened.set_result(channel)
        await over.wait()

    nobody, settings = Nobody(), config(tmp_path)
    settings.folder.mkdir()
    async with (
        aiohttp.ClientSession() as http,
        local_server(settings, nobody, nobody.open_desk, serve, nobody.log_in) as port,
    ):
        unread = await Pc(house, port, http).open()
        channel = await opened
        transport = channel._transport
        long = Draft(chat=uuid7(), answer=uuid7(), index=0, text="x" * 200_000)

        async def talk() -> None:
            while True:
                await channel.send(long)

        talking = asyncio.ensure_future(talk())
        await until(lambda: transport.get_write_buffer_size() > BUFFERED_BYTES)
        for _ in range(200):  # no more is added, however long it waits
            await asyncio.sleep(0)
        assert transport.get_write_buffer_size() < 3 * BUFFERED_BYTES
        assert not unread.closed
        assert not talking.done()
        channel.cut()
        assert transport.is_closing()
        with pytest.raises(ChannelClosed):
            await talking
        over.set()
        await unread.close()


async def test_a_page_that_is_silent_is_asked_and_then_given_up(
    pc: Pc, clock: VirtualClock
) -> None:
    device = await pc.device()
    await device.connect()
    await device.greet()
    device.say = lambda message: None  # type: ignore[method-assign]
    for _ in range(int(MISSES * INTERVAL_S / TICK_S) + 1):
        clock.advance(TICK_S)
        await until(lambda: clock.waits(TICK_S) or not pc.house.household.is_anybody_here)
    with pytest.raises(ChannelClosed):
        await device.hear(Delta)
    assert any(isinstance(said, Heartbeat) for said in device.heard)


async def test_the_end_of_the_home_is_the_end_of_the_channel(house: House, tmp_path: Path) -> None:
    async with a_pc(house, config(tmp_path)) as pc:
        device = await pc.device()
        await device.connect()
        await device.greet()
        pc.devices.clear()
    with pytest.raises(ChannelClosed):
        await device.hear(Delta)
    assert device.socket.close_code == aiohttp.WSCloseCode.GOING_AWAY
    await device.leave()
