"""The LAN dial over real sockets, DTLS and SCTP; the device is aiortc as a full ICE agent."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gpu_peer.clock import LoopClock
from gpu_peer.errors import ChannelClosed
from gpu_peer.transports.lan.addresses import local_addresses
from gpu_peer.transports.lan.agent import Limits
from gpu_peer.transports.lan.listener import LOOK_S, TICK_S, LanListener, Reachable
from gpu_peer.transports.lan.tickets import LanTickets
from gpu_peer.trust.connect import Fingerprints
from protocol import base64url, crockford, stun
from protocol.chat import AnswerEnded, Delta
from protocol.household import InvitationEnded, PairingAsked
from protocol.roads import LanTicket
from protocol.transcript import SECRET_BYTES, Purpose, key_id
from protocol.trust import Bound, Challenge, PairAccept, Paired, PairOffer, TrustError
from tests.gpu_peer.support.house import House, a_house, lan_of
from tests.gpu_peer.support.lan import (
    CLIENT_HELLO,
    DATA,
    LanDevice,
    a_client_hello,
    an_id,
    check,
    until,
)
from tests.gpu_peer.support.trust import PrivateKey, public, sign
from tests.gpu_peer.support.virtual_clock import VirtualClock


@dataclass
class Lan:
    """A house that can be dialed, at addresses that the tests change."""

    house: House
    addresses: list[str] = field(default_factory=local_addresses)
    devices: list[LanDevice] = field(default_factory=list)
    listener: LanListener = field(init=False)
    tickets: LanTickets = field(init=False)

    async def register(self, key: PrivateKey) -> str:
        household = self.house.household
        await household.devices.register(public(key), "Phone", household.owner, 1)
        return key_id(public(key))

    async def ticket(self, key: PrivateKey) -> LanTicket:
        """Give a device its ticket; it is paired before."""
        ticket = await self.tickets.ticket(await self.register(key))
        assert ticket is not None
        return ticket

    async def device(self, **changed: object) -> LanDevice:
        key = Ed25519PrivateKey.generate()
        ticket = msgspec.structs.replace(await self.ticket(key), **changed)
        return self.dialing(ticket, key)

    def dialing(self, ticket: LanTicket, key: PrivateKey, label: str = "chat") -> LanDevice:
        device = LanDevice(ticket, key=key, label=label)
        self.devices.append(device)
        return device


@pytest.fixture
async def real_time(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path / "chats.sqlite3", LoopClock()) as house:
        yield house


@pytest.fixture
async def lan(real_time: House, tmp_path: Path) -> AsyncIterator[Lan]:
    lan = Lan(real_time)
    async with lan_of(real_time, tmp_path, lambda: lan.addresses) as both:
        lan.listener, lan.tickets = both
        yield lan
        for device in lan.devices:
            await device.leave()


@pytest.fixture
async def still(house: House, tmp_path: Path) -> AsyncIterator[Lan]:
    """The same on time that stands still, for what sockets say by themselves."""
    lan = Lan(house, ["127.0.0.1"])
    async with lan_of(house, tmp_path, lambda: lan.addresses) as both:
        lan.listener, lan.tickets = both
        yield lan


class Stranger:
    """A bare UDP socket."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind((address, 0))

    def send(self, data: bytes, ticket: LanTicket, address: str = "127.0.0.1") -> None:
        self.socket.sendto(data, (address, ticket.port))

    async def hear(self) -> tuple[bytes, tuple[str, int]]:
        async with asyncio.timeout(5):
            return await asyncio.get_running_loop().sock_recvfrom(self.socket, 2048)

    async def hears_nothing_before(self, data: bytes, ticket: LanTicket) -> None:
        """Prove silence: the first thing heard is the answer to this sound check."""
        self.send(data, ticket)
        answer, _ = await self.hear()
        assert stun.parse(answer).transaction_id == stun.parse(data).transaction_id


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    stranger = Stranger()
    yield stranger
    stranger.socket.close()


async def test_a_conversation_with_no_server_between(lan: Lan) -> None:
    device = await lan.device()
    await device.connect()
    bound = next(said for said in device.heard if isinstance(said, Bound))
    assert bound.lan == device.ticket, "so that it finds the PC the next time"
    await device.greet()
    begun = await device.ask(await device.create_chat(), "Hello")
    await lan.house.engine.submitted()
    lan.house.engine.say(begun.answer, "At home.")
    assert (await device.hear(Delta)).text == "At home."
    lan.house.engine.end(begun.answer)
    assert (await device.event(AnswerEnded)).text == "At home."
    (shown,) = (await lan.house.household.shown(lan.house.household.owner, None)).devices
    assert [(one.road, one.code) for one in shown.live] == [("lan", device.code)]


async def test_many_devices_on_one_port(lan: Lan) -> None:
    devices = [await lan.device() for _ in range(3)]
    await asyncio.gather(*(device.connect() for device in devices))
    assert len(lan.listener) == 3
    for device in devices:
        await device.greet()


class Host:
    def tell(self, news: PairingAsked | InvitationEnded) -> None:
        pass


async def test_pairing_ends_with_a_ticket(lan: Lan) -> None:
    """A device that was let in by another's road: who it is says its key, not its ticket."""
    household = lan.house.household
    text = household.invitations.open(household.owner, "secret", Host()) or ""
    device = await lan.device()
    await device.reach()
    device.key = Ed25519PrivateKey.generate()
    end = device.end()
    end.secret = crockford.from_text(text, SECRET_BYTES)
    device.say(end.request())
    device.say(end.reveal(await device.hear(PairOffer)))
    device.say(end.confirm(await device.hear(PairAccept)))
    await device.hear(Paired)
    device.say(end.introduce())
    device.say(end.prove(await device.hear(Challenge)))
    bound = await device.hear(Bound)
    assert bound.lan is not None
    assert bound.lan.ufrag != device.ticket.ufrag
    credential = household.lan.find(bound.lan.ufrag)
    assert credential is not None
    assert credential.device == key_id(public(device.key))


async def test_a_device_that_sees_another_certificate_than_its_own_is_refused(lan: Lan) -> None:
    device = await lan.device()
    await device.reach()
    end = device.end()
    device.say(end.introduce())
    proof = end.prove(await device.hear(Challenge))
    end.fingerprints = Fingerprints(home=end.fingerprints.home, device=bytes(32))
    false = sign(device.key, end.transcript(Purpose.BIND).of("device"))
    device.say(msgspec.structs.replace(proof, signature=base64url.to_text(false)))
    assert (await device.hear(TrustError)).code == "proof_wrong"


async def test_another_label_gets_no_channel(lan: Lan) -> None:
    key = Ed25519PrivateKey.generate()
    device = lan.dialing(await lan.ticket(key), key, label="files")
    await device.reach()
    with pytest.raises(ChannelClosed):
        await device.next()


async def test_a_wrong_fingerprint_gets_the_device_no_channel(lan: Lan) -> None:
    device = await lan.device(fingerprint="A" * 43)
    await device.dial()
    await until(lambda: device.peer.connectionState in ("failed", "closed"))
    assert not device.open.is_set()


async def test_a_removed_device_is_cut_and_its_checks_get_silence(
    lan: Lan, stranger: Stranger
) -> None:
    device = await lan.device()
    other = await lan.device()
    await device.connect()
    await device.greet()
    await lan.house.household.revoke(key_id(public(device.key)))
    with pytest.raises(ChannelClosed):
        await device.hear(Delta)
    await lan.house.household.readmit(key_id(public(device.key)))  # it gets others
    stranger.send(check(device.ticket.ufrag, device.ticket.password), device.ticket)
    await stranger.hears_nothing_before(
        check(other.ticket.ufrag, other.ticket.password), device.ticket
    )


async def test_wrong_dials_get_silence_and_leave_no_trace(still: Lan, stranger: Stranger) -> None:
    ticket = await still.ticket(Ed25519PrivateKey.generate())
    for wrong in (
        check(ticket.ufrag, "wrong" * 8),
        check("stranger", ticket.password),
        CLIENT_HELLO,
        b"garbage",
        b"",
    ):
        stranger.send(wrong, ticket)
    await stranger.hears_nothing_before(check(ticket.ufrag, ticket.password), ticket)
    assert still.listener.remembered == 3, "of the sound check only"


async def test_each_address_answers_for_itself(house: House, tmp_path: Path) -> None:
    here, there = "127.0.0.1", "127.0.0.2"
    key = Ed25519PrivateKey.generate()
    async with lan_of(house, tmp_path, lambda: [here, there]) as (listener, tickets):
        lan = Lan(house)
        lan.listener, lan.tickets = listener, tickets
        ticket = await lan.ticket(key)
        assert ticket.addresses == [here, there]
        for address in (there, here):
            asking = Stranger()
            asking.send(check(ticket.ufrag, ticket.password, address[-1] * 4), ticket, address)
            _, source = await asking.hear()
            assert source == (address, ticket.port)
            asking.socket.close()


async def looked(lan: Lan, clock: VirtualClock) -> None:
    """Have the listener look at its addresses once more."""
    clock.advance(LOOK_S)
    await until(lambda: clock.waits(LOOK_S))


async def test_addresses_come_and_go_and_the_port_stays(
    still: Lan, clock: VirtualClock, stranger: Stranger
) -> None:
    key = Ed25519PrivateKey.generate()
    before = await still.ticket(key)
    stranger.send(check(before.ufrag, before.password), before)
    await stranger.hear()
    still.addresses = ["127.0.0.1", "127.0.0.3"]
    await looked(still, clock)
    both = await still.ticket(key)
    assert (both.addresses, both.port) == (["127.0.0.1", "127.0.0.3"], before.port)
    remembered = still.listener.remembered
    await stranger.hears_nothing_before(check(before.ufrag, before.password), before)
    assert still.listener.remembered == remembered + 1, "the connection is the same"
    still.addresses = ["127.0.0.3"]
    await looked(still, clock)
    assert (await still.ticket(key)).addresses == ["127.0.0.3"]
    assert still.listener.remembered == remembered, "less the path"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", before.port))


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (("10.0.0.3", "fd00::2", "127.0.0.1", "::1"), ["10.0.0.3", "fd00::2"]),
        (("127.0.0.1", "::1"), ["127.0.0.1", "::1"]),
    ],
    ids=["a network", "none"],
)
async def test_a_ticket_names_loopback_only_where_the_pc_has_nothing_else(
    still: Lan, found: tuple[str, ...], told: list[str]
) -> None:
    await still.tickets.moved(Reachable(found, 41234))
    assert (await still.ticket(Ed25519PrivateKey.generate())).addresses == told


async def test_a_connection_lives_on_while_another_address_comes(lan: Lan) -> None:
    device = await lan.device()
    await device.connect()
    await device.greet()
    lan.addresses = [*lan.addresses, "127.0.0.9"]
    await lan.listener._look()
    assert "127.0.0.9" in lan.listener._sockets.addresses
    await device.create_chat()


async def test_a_port_that_is_taken_is_replaced(house: House, tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.2", 0))
        port = taken.getsockname()[1]
        addresses = ["127.0.0.1", "127.0.0.2"]
        async with lan_of(house, tmp_path, lambda: addresses, port) as (listener, tickets):
            lan = Lan(house)
            lan.listener, lan.tickets = listener, tickets
            ticket = await lan.ticket(Ed25519PrivateKey.generate())
            assert ticket.port != port
            assert ticket.addresses == addresses


async def test_without_an_address_there_is_no_ticket_until_there_is_one(
    still: Lan, clock: VirtualClock
) -> None:
    device = await still.register(Ed25519PrivateKey.generate())
    still.addresses = []
    await looked(still, clock)
    assert await still.tickets.ticket(device) is None
    still.addresses = ["127.0.0.1"]
    await looked(still, clock)
    assert await still.tickets.ticket(device) is not None
    assert await still.tickets.ticket(an_id()) is None, "of a device that nobody knows"


async def test_an_address_that_is_not_there_is_left_out(still: Lan, clock: VirtualClock) -> None:
    still.addresses = ["127.0.0.1", "203.0.113.7"]
    await looked(still, clock)
    ticket = await still.ticket(Ed25519PrivateKey.generate())
    assert ticket.addresses == ["127.0.0.1"]


async def test_a_page_from_before_the_restart_is_not_kept_waiting(
    still: Lan, stranger: Stranger
) -> None:
    ticket = await still.ticket(Ed25519PrivateKey.generate())
    old = check(ticket.ufrag, ticket.password, "before")
    await stranger.hears_nothing_before(old, ticket)
    stranger.send(DATA, ticket)
    stranger.send(check(ticket.ufrag, ticket.password, "before"), ticket)
    await stranger.hears_nothing_before(check(ticket.ufrag, ticket.password, "after"), ticket)
    assert len(still.listener) == 0


async def test_a_handshake_that_goes_nowhere_is_ended(
    still: Lan, clock: VirtualClock, stranger: Stranger
) -> None:
    ticket = await still.ticket(Ed25519PrivateKey.generate())
    await stranger.hears_nothing_before(check(ticket.ufrag, ticket.password), ticket)
    stranger.send(a_client_hello(), ticket)
    said, _ = await stranger.hear()
    assert said[0] == 22, "it goes on with the handshake"
    assert len(still.listener) == 1
    for _ in range(16):
        clock.advance(TICK_S)
        await asyncio.sleep(0)
    await until(lambda: len(still.listener) == 0)


async def test_who_has_a_channel_leaves_room_for_the_next_dial(
    real_time: House, tmp_path: Path
) -> None:
    limits = Limits(half_open=1, open_s=600.0)
    async with lan_of(real_time, tmp_path, local_addresses, limits=limits) as both:
        lan = Lan(real_time)
        lan.listener, lan.tickets = both
        for device in [await lan.device() for _ in range(2)]:
            await device.connect()
            await device.greet()
        for device in lan.devices:
            await device.leave()


async def test_a_refusal_is_read_before_the_end(lan: Lan) -> None:
    device = await lan.device()
    device.key = Ed25519PrivateKey.generate()
    await device.reach()
    device.say(device.end().introduce())
    assert (await device.hear(TrustError)).code == "device_unknown"
    with pytest.raises(ChannelClosed):
        await device.next()
