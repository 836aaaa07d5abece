"""A VDS that lets anybody in: to any account, with any device, with words that come too early."""

import pytest

from protocol import VERSION, base64url, codec
from protocol.base import Message
from protocol.chat import Hello, SendMessage
from protocol.framing import split
from protocol.household import WatchHousehold
from protocol.transcript import Purpose, key_id
from protocol.trust import Challenge, Prove, TrustError
from tests.gpu_peer.support.trust import DeviceEnd, PrivateKey, ed25519, p256, public, sign
from tests.hostile.attack import attacked
from tests.hostile.device import BOUND, PHONE, Device, refused
from tests.hostile.home import Home
from tests.hostile.stranger import Stranger

HELLO = Hello(version=VERSION, after=0)
SAY = SendMessage(id="i" * 36, chat="c" * 36, message="m" * 36, text="Who lives here?")
STRANGERS = [ed25519("a stranger"), p256("a stranger")]


@pytest.mark.parametrize("key", STRANGERS)
async def test_a_device_in_the_owner_s_account_that_was_never_paired(
    home: Home, key: PrivateKey
) -> None:
    """The VDS says that it is the owner's, and nothing is between it and the home."""
    assert await attacked(Device(key), home.answer, home) == refused("device_unknown")


async def test_a_device_that_was_removed(home: Home, device: Device) -> None:
    await home.house.household.revoke(key_id(public(PHONE)))
    assert await attacked(device, home.answer, home) == refused("device_revoked")


async def test_the_account_that_the_vds_names_is_not_whose_chats_are_served(home: Home) -> None:
    household = home.house.household
    boris, key = await household.add_person("Boris", "member"), ed25519("Boris's phone")
    await household.devices.register(public(key), "A phone", boris.id, 0)
    device = Device(key)
    assert await device.connect(home.answer) == BOUND
    await home.prompt()
    assert home.sessions == [boris.id] != [home.owner]
    await device.close()


async def test_the_id_of_a_known_device_without_its_key(home: Home) -> None:
    stranger = Stranger()
    await stranger.call(home.answer)
    fingerprints = stranger.leg.fingerprints()
    end = DeviceEnd(PHONE, fingerprints)
    stranger.say(end.introduce())
    challenge = await stranger.next()
    assert isinstance(challenge, Challenge)
    end.home_nonce = base64url.from_text(challenge.nonce)
    forged = sign(p256("a stranger"), end.transcript(Purpose.BIND).of("device"))
    stranger.say(
        Prove(signature=base64url.to_text(forged), nonce=base64url.to_text(end.nonce)), HELLO, SAY
    )
    await ends_with(stranger, "proof_wrong")
    assert home.sessions == []


@pytest.mark.parametrize("first", [HELLO, SAY, WatchHousehold(id="i" * 36)])
async def test_a_chat_before_anything_is_proved(home: Home, first: Message) -> None:
    stranger = Stranger()
    await stranger.call(home.answer)
    stranger.say(first, HELLO, SAY)
    await ends_with(stranger, "unknown_type")
    assert home.sessions == []


async def test_a_chat_of_a_known_device_before_it_has_proved_itself(home: Home) -> None:
    stranger = Stranger()
    await stranger.call(home.answer)
    stranger.say(DeviceEnd(PHONE).introduce())
    assert isinstance(await stranger.next(), Challenge)
    stranger.say(HELLO, SAY)
    await ends_with(stranger, "unknown_type")
    assert home.sessions == []


async def test_a_message_of_a_chat_in_halves_around_the_proof(home: Home) -> None:
    """Its first frame before, its last after: a message in a message, which no end may send."""
    stranger = Stranger()
    await stranger.call(home.answer)
    (whole,) = split(codec.encode(HELLO))
    stranger.leg.say(b"\x01" + whole[1:9])
    stranger.say(DeviceEnd(PHONE).introduce())
    stranger.leg.say(b"\x02" + whole[9:])
    await ends_with(stranger, "malformed")
    assert home.sessions == []


async def ends_with(stranger: Stranger, code: str) -> None:
    """The home says this, and nothing after it."""
    said = await stranger.next()
    assert isinstance(said, TrustError)
    assert (said.code, await stranger.next()) == (code, None)
    await stranger.close()
