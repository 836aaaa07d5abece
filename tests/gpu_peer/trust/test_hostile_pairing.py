"""Somebody in the middle while a device is paired by secret: neither end comes to know them."""

import pytest

from protocol import base64url, codec, crockford
from protocol.framing import split
from protocol.transcript import SECRET_BYTES, key_id
from protocol.trust import PairAccept, PairOffer
from tests.gpu_peer.support.trust import ed25519, fixed, public
from tests.hostile.device import ATTACK, PAIRED, Device, refused
from tests.hostile.home import Home
from tests.hostile.ledger import Direction
from tests.hostile.middle import Middle
from tests.hostile.stranger import Pretender

NEW = ed25519("a new phone")
OFFER = PairOffer(
    key=base64url.to_text(public(ed25519("their home"))), nonce=base64url.to_text(fixed("nonce"))
)
ACCEPT = PairAccept(
    signature=base64url.to_text(bytes(64)), mac=base64url.to_text(fixed("no secret"))
)


class Silent:
    def tell(self, _: object) -> None:
        pass


@pytest.fixture
def secret(home: Home) -> bytes:
    household = home.house.household
    shown = household.invitations.open(household.owner, "secret", Silent())
    assert shown is not None
    return crockford.from_text(shown, SECRET_BYTES)


def is_known(home: Home) -> bool:
    return home.house.household.devices.find(key_id(public(NEW))) is not None


async def test_with_nobody_between_the_device_is_known(home: Home, secret: bytes) -> None:
    device = Device(NEW)
    assert await device.pair(home.answer, secret, home.house.household.home_id) == PAIRED
    assert is_known(home)
    await device.close()


async def test_relayed_both_ends_refuse(home: Home, secret: bytes) -> None:
    device, middle = Device(NEW), Middle()
    end = await device.pair(middle.towards(home.answer), secret, home.house.household.home_id)
    assert end == refused("pairing_code_wrong")
    assert middle.ledger.types(Direction.TO_HOME) == ["pair_request", "pair_reveal"]
    assert not is_known(home)
    await device.close()
    await middle.close()


@pytest.mark.parametrize("by_qr", [True, False])
async def test_a_home_of_its_own_is_not_paired_with(home: Home, secret: bytes, by_qr: bool) -> None:
    """After a QR it does not even get a MAC to try secrets on."""
    frames = [frame for message in (OFFER, ACCEPT) for frame in split(codec.encode(message))]
    device, pretender = Device(NEW), Pretender([*frames])
    home_id = home.house.household.home_id if by_qr else None
    assert await device.pair(pretender.answer, secret, home_id) == ATTACK
    assert len(pretender.heard) == (1 if by_qr else 2)
    assert not is_known(home)
    await device.close()
    await pretender.close()
