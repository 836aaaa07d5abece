"""The beginning of a connection: real machines and lists, a channel in memory."""

import asyncio

import pytest

from gpu_peer.errors import ChannelClosed
from gpu_peer.trust.connect import CONNECT_MS, Open
from gpu_peer.trust.invitation import LIFE_MS, WRONG_TRIES
from gpu_peer.trust.pairing import PURPOSES
from protocol import VERSION, codec, crockford
from protocol.chat import Hello
from protocol.errors import ErrorCode, Malformed
from protocol.household import InvitationEnded, PairingAsked
from protocol.transcript import SECRET_BYTES
from protocol.trust import Bound, Challenge, PairAccept, Paired, PairOffer, TrustError
from tests.gpu_peer.support.device import MemoryDevice
from tests.gpu_peer.support.house import House
from tests.gpu_peer.support.trust import DeviceEnd, PrivateKey, ed25519, p256, public
from tests.gpu_peer.support.virtual_clock import VirtualClock

PHONE = ed25519("phone")


class Host:
    """Whoever opened an invitation."""

    def __init__(self) -> None:
        self.news: list[PairingAsked | InvitationEnded] = []

    def tell(self, news: PairingAsked | InvitationEnded) -> None:
        self.news.append(news)


async def known(house: House, end: DeviceEnd) -> str:
    """Have the owner's device written down; give the owner."""
    household = house.household
    await household.devices.register(public(end.key), "Phone", household.owner, 1)
    return household.owner


async def introduce(device: MemoryDevice, end: DeviceEnd) -> Challenge:
    device.say(end.introduce())
    return await device.hear(Challenge)


async def connect(device: MemoryDevice, end: DeviceEnd) -> None:
    device.say(end.prove(await introduce(device, end)))
    await device.hear(Bound)


async def pair(device: MemoryDevice, end: DeviceEnd) -> None:
    """Pair by secret."""
    device.say(end.request())
    device.say(end.reveal(await device.hear(PairOffer)))
    device.say(end.confirm(await device.hear(PairAccept)))
    await device.hear(Paired)


async def refusal(device: MemoryDevice) -> ErrorCode:
    error = await device.hear(TrustError)
    assert error.message.endswith(".")
    return error.code


def secret_of(house: House, host: Host) -> bytes:
    text = house.household.invitations.open(house.household.owner, "secret", host)
    secret = crockford.from_text(text or "", SECRET_BYTES)
    assert secret is not None
    return secret


async def test_a_known_device_is_bound_and_the_rest_is_left_for_the_chat(house: House) -> None:
    end = DeviceEnd(PHONE)
    owner = await known(house, end)
    device, reception = house.receive()
    device.say(end.prove(await introduce(device, end)))
    device.say(Hello(version=VERSION, after=7))
    opened = await reception
    assert isinstance(opened, Open)
    assert opened.device.person == owner
    assert await device.receive(codec.to_home) == Hello(version=VERSION, after=7)


@pytest.mark.parametrize("after", ["nothing", "the challenge"])
async def test_a_message_of_a_chat_before_the_proof_is_not_even_understood(
    house: House, after: str
) -> None:
    end = DeviceEnd(PHONE)
    await known(house, end)
    device, reception = house.receive()
    if after == "the challenge":
        await introduce(device, end)
    device.say(Hello(version=VERSION, after=0))
    assert await refusal(device) == "unknown_type"
    assert await reception is None


async def test_what_is_no_message_ends_it(house: House) -> None:
    device, reception = house.receive()
    device.say(Malformed("The message is not UTF-8 JSON."))
    assert await refusal(device) == "malformed"
    assert await reception is None


async def test_who_is_unknown_or_removed_gets_a_sentence_and_no_signature(house: House) -> None:
    device, reception = house.receive()
    device.say(DeviceEnd(ed25519("stranger")).introduce())
    assert await refusal(device) == "device_unknown"
    assert await reception is None

    end = DeviceEnd(PHONE)
    await known(house, end)
    device, reception = house.receive()
    challenge = await introduce(device, end)
    (phone,) = (await house.household.shown(house.household.owner, None)).devices
    await house.household.revoke(phone.id)
    device.say(end.prove(challenge))
    assert await refusal(device) == "device_revoked"
    assert await reception is None


async def test_a_proof_that_takes_too_long_is_none(house: House, clock: VirtualClock) -> None:
    end = DeviceEnd(PHONE)
    await known(house, end)
    device, reception = house.receive()
    await introduce(device, end)
    clock.advance(CONNECT_MS / 1000)
    assert await refusal(device) == "too_late"
    assert await reception is None


async def test_a_device_that_goes_away_ends_it(house: House) -> None:
    device, reception = house.receive()
    device.leave()
    assert await reception is None


@pytest.mark.parametrize("key", [PHONE, p256("phone")], ids=["ed25519", "p256"])
async def test_pairing_by_secret_and_then_connecting_on_the_same_channel(
    house: House, key: PrivateKey
) -> None:
    host = Host()
    end = DeviceEnd(key, secret=secret_of(house, host))
    device, reception = house.receive()
    await pair(device, end)
    await connect(device, end)
    opened = await reception
    assert opened is not None
    assert opened.device.person == house.household.owner
    assert host.news == [InvitationEnded(device=opened.device.id)]
    # Used up: another device with the same secret comes too late.
    other, refused = house.receive()
    other.say(DeviceEnd(ed25519("other"), secret=end.secret).request())
    assert await refusal(other) == "pairing_used"
    assert await refused is None


async def compare(
    house: House, host: Host
) -> tuple[MemoryDevice, DeviceEnd, "asyncio.Task[Open | None]"]:
    """Come as far as both screens showing the code."""
    house.household.invitations.open(house.household.owner, "compare", host)
    device, reception = house.receive()
    end = DeviceEnd(PHONE)
    device.say(end.request())
    device.say(end.reveal(await device.hear(PairOffer)))
    while not host.news:
        await device.idle()
    code = end.code(PURPOSES["compare"]).replace("-", "")
    assert host.news == [PairingAsked(code=code, name="Anna's phone")]
    return device, end, reception


async def test_pairing_by_comparing_codes(house: House) -> None:
    host = Host()
    device, end, reception = await compare(house, host)
    assert house.household.invitations.answer(host, equal=True)
    device.say(end.confirm(await device.hear(PairAccept)))
    await device.hear(Paired)
    await connect(device, end)
    opened = await reception
    assert opened is not None
    assert host.news[1:] == [InvitationEnded(device=opened.device.id)]


async def test_different_codes(house: House) -> None:
    host = Host()
    device, _, reception = await compare(house, host)
    stranger = Host()
    assert not house.household.invitations.answer(stranger, equal=True)
    assert house.household.invitations.answer(host, equal=False)
    assert await refusal(device) == "pairing_declined"
    assert await reception is None
    assert [getattr(news, "code", None) for news in host.news[1:]] == ["pairing_declined"]


async def test_a_host_that_goes_away_says_no(house: House) -> None:
    host = Host()
    device, _, reception = await compare(house, host)
    house.household.invitations.close(host)
    assert await refusal(device) == "pairing_declined"
    assert await reception is None
    late, refused = house.receive()
    late.say(DeviceEnd(PHONE).request())
    assert await refusal(late) == "pairing_closed"
    assert await refused is None


async def test_a_device_that_goes_away_in_the_middle_uses_the_invitation_up(house: House) -> None:
    host = Host()
    device, _, reception = await compare(house, host)
    device.leave()
    assert await reception is None
    assert [getattr(news, "code", None) for news in host.news[1:]] == ["pairing_used"]


async def test_ten_wrong_codes_lock_it_even_for_the_right_one(house: House) -> None:
    host = Host()
    right = secret_of(house, host)
    for _ in range(WRONG_TRIES):
        assert host.news == []
        device, reception = house.receive()
        end = DeviceEnd(PHONE, secret=b"wrong" * 2)
        device.say(end.request())
        device.say(end.reveal(await device.hear(PairOffer)))
        assert await refusal(device) == "pairing_code_wrong"
        assert await reception is None
    assert [getattr(news, "code", None) for news in host.news] == ["pairing_locked"]
    device, reception = house.receive()
    device.say(DeviceEnd(PHONE, secret=right).request())
    assert await refusal(device) == "pairing_locked"
    assert await reception is None


async def test_a_code_expires(house: House, clock: VirtualClock) -> None:
    host = Host()
    end = DeviceEnd(PHONE, secret=secret_of(house, host))
    clock.advance(LIFE_MS / 1000)
    assert [getattr(news, "code", None) for news in host.news] == ["pairing_expired"]
    device, reception = house.receive()
    device.say(end.request())
    assert await refusal(device) == "pairing_expired"
    assert await reception is None


async def test_a_device_that_was_removed_is_not_paired_anew(house: House) -> None:
    end = DeviceEnd(PHONE)
    await known(house, end)
    (phone,) = (await house.household.shown(house.household.owner, None)).devices
    await house.household.revoke(phone.id)
    host = Host()
    end = DeviceEnd(PHONE, secret=secret_of(house, host))
    device, reception = house.receive()
    device.say(end.request())
    device.say(end.reveal(await device.hear(PairOffer)))
    device.say(end.confirm(await device.hear(PairAccept)))
    assert await refusal(device) == "device_revoked"
    assert await reception is None
    assert [getattr(news, "code", None) for news in host.news] == ["device_revoked"]
    await house.household.readmit(phone.id)
    device, reception = house.receive()
    await connect(device, DeviceEnd(PHONE))
    assert await reception is not None


async def test_the_first_browser_is_invited_once(house: House) -> None:
    text = house.household.first_invitation()
    secret = crockford.from_text(text or "", SECRET_BYTES)
    device, _ = house.receive()
    await pair(device, DeviceEnd(PHONE, secret=secret))
    assert house.household.first_invitation() is None
    device.close()
    with pytest.raises(ChannelClosed):
        await device.next()
