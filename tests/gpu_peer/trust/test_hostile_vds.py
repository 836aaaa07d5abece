"""A VDS that changes what it carries: session descriptions, over real peer connections.

The device does what the app does, and ends in a state for which the app has a sentence.
"""

import asyncio
from pathlib import Path

import pytest

from gpu_peer.transports.certificate import load_certificate
from tests.hostile import descriptions
from tests.hostile.attack import attacked
from tests.hostile.device import BOUND, PRIVATE, TIMEOUT, Device, refused
from tests.hostile.home import Home
from tests.hostile.ledger import Direction
from tests.hostile.middle import Middle
from tests.hostile.relay import a_relay

# What is no attack, so that the others mean something.


async def test_over_an_honest_vds_the_home_hears_the_chat(home: Home, device: Device) -> None:
    assert await device.connect(home.answer) == BOUND
    assert await home.prompt() == PRIVATE
    assert home.sessions == [home.owner]


async def test_with_the_certificates_of_both_ends_a_middle_would_hear_it(
    home: Home, tmp_path: Path
) -> None:
    """So the middle works, the ledger counts, and it is the fingerprints that keep others out."""
    stolen = load_certificate(tmp_path / "phone")
    device, middle = Device(certificate=stolen), Middle(homes=home.certificate, devices=stolen)
    assert await device.connect(middle.towards(home.answer)) == BOUND
    assert await home.prompt() == PRIVATE
    said = [kind for direction, kind in middle.ledger.chat if direction is Direction.TO_HOME]
    assert said[:3] == ["hello", "create_chat", "send_message"]
    await device.close()
    await middle.close()


# It changes descriptions.


async def test_a_home_with_anothers_fingerprint_is_not_connected_to(
    home: Home, device: Device
) -> None:
    async def road(offer: str) -> str:
        return descriptions.swap_fingerprint(await home.answer(offer))

    assert await attacked(device, road, home) == TIMEOUT


async def test_a_device_with_anothers_fingerprint_is_not_connected_to(
    home: Home, device: Device
) -> None:
    async def road(offer: str) -> str:
        answer = await home.answer(descriptions.swap_fingerprint(offer))
        giving_up.append(asyncio.ensure_future(give_up()))
        return answer

    async def give_up() -> None:
        await home.has_hung_up()
        device.run_out_of_time()

    giving_up: list[asyncio.Future[None]] = []
    assert await attacked(device, road, home) == TIMEOUT


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("kind", list(descriptions.LENGTHS))
async def test_a_second_fingerprint_of_the_home_is_refused_by_the_device(
    home: Home, device: Device, kind: str, lower: bool, first: bool
) -> None:
    edit = descriptions.add_fingerprint(kind, lower=lower, first=first)

    async def road(offer: str) -> str:
        return edit(await home.answer(offer))

    assert await attacked(device, road, home) == refused("malformed")


@pytest.mark.parametrize("lower", [False, True])
async def test_a_second_fingerprint_of_the_device_is_refused_by_the_home(
    home: Home, device: Device, lower: bool
) -> None:
    edit = descriptions.add_fingerprint("sha-256", lower=lower)
    end = await attacked(device, lambda offer: home.answer(edit(offer)), home)
    assert end == refused("malformed")


@pytest.mark.parametrize("kind", ["sha-1", "sha-384", "sha-512"])
async def test_a_fingerprint_of_another_kind_is_not_what_the_home_enforces(
    home: Home, device: Device, kind: str
) -> None:
    """It is taken out of the offer, and the two ends are connected with each other."""
    edit = descriptions.add_fingerprint(kind, first=True)
    assert await device.connect(lambda offer: home.answer(edit(offer))) == BOUND
    assert await home.prompt() == PRIVATE


async def test_candidates_that_lead_to_a_relay_let_it_read_nothing(
    home: Home, device: Device
) -> None:
    async with a_relay() as relay:

        async def road(offer: str) -> str:
            answer = await home.answer(descriptions.without_candidates(offer))
            relay.home = descriptions.candidates(answer)[0]
            return descriptions.only_candidate(*relay.address)(answer)

        assert await device.connect(road) == BOUND
        assert await home.prompt() == PRIVATE
        await device.close()
    assert len(relay.heard) > 10
    assert not [data for data in relay.heard if PRIVATE.encode() in data]
    # RFC 7983: what begins with 0 to 3 is STUN, with 20 to 63 DTLS.
    assert {data[0] in (*range(4), *range(20, 64)) for data in relay.heard} == {True}


async def test_candidates_that_lead_nowhere_do_not_keep_the_ends_apart(
    home: Home, device: Device
) -> None:
    async with a_relay() as relay:
        edit = descriptions.add_candidate(*relay.address)

        async def road(offer: str) -> str:
            return edit(await home.answer(edit(offer)))

        assert await device.connect(road) == BOUND
        assert await home.prompt() == PRIVATE
    assert [data for data in relay.heard if data[0] not in range(4)] == []
