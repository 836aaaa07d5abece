from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_peer.trust.connect import Fingerprints, Send
from gpu_peer.trust.invitation import LIFE_MS, WRONG_TRIES, Invitation
from gpu_peer.trust.pairing import (
    COMPARE_MS,
    SECRET_MS,
    TABLE,
    Effect,
    Kind,
    Pairing,
    Register,
    ShowCode,
    State,
    mermaid,
)
from protocol import VERSION, base64url
from protocol.errors import Malformed, ProtocolError
from protocol.transcript import SECRET_BYTES, Purpose, key_id
from protocol.trust import (
    PairAccept,
    PairConfirm,
    Paired,
    PairingMethod,
    PairOffer,
    PairRequest,
    PairReveal,
    ToHome,
    TrustError,
)
from tests.gpu_peer.support.trust import (
    FINGERPRINTS,
    HOME,
    DeviceEnd,
    PrivateKey,
    ed25519,
    fixed,
    p256,
    public,
    sign,
)

NONCE = fixed("home nonce")
SECRET = fixed("secret")[:SECRET_BYTES]
WRONG = fixed("guess")[:SECRET_BYTES]
KEYS: list[PrivateKey] = [ed25519("phone"), p256("laptop")]


def invited(secret: bytes | None = SECRET, now_ms: int = 0) -> Invitation:
    return Invitation("anna", secret, now_ms)


def begin(
    invitation: Invitation | None,
    fingerprints: Fingerprints = FINGERPRINTS,
    now_ms: int = 0,
    nonce: bytes = NONCE,
) -> Pairing:
    return Pairing(HOME, invitation, fingerprints, nonce, now_ms)


def said(effects: list[Effect], kind: type[Any]) -> Any:
    (effect,) = effects
    assert isinstance(effect, Send)
    assert isinstance(effect.message, kind)
    return effect.message


def refusal(effects: list[Effect]) -> str:
    error = said(effects, TrustError)
    assert error.message.endswith(".")
    return str(error.code)


def tried(invitation: Invitation, secret: bytes, now_ms: int = 0) -> list[Effect]:
    """A device with this secret, up to the home's verdict on it."""
    device, pairing = DeviceEnd(KEYS[0], secret=secret), begin(invitation, now_ms=now_ms)
    effects = pairing.receive(device.request(), now_ms)
    if isinstance(effects[0], Send) and isinstance(effects[0].message, TrustError):
        return effects
    return pairing.receive(device.reveal(said(effects, PairOffer)), now_ms)


@pytest.mark.parametrize("key", KEYS, ids=["ed25519", "p256"])
def test_who_knows_the_secret_is_paired(key: PrivateKey) -> None:
    device, pairing = DeviceEnd(key, secret=SECRET), begin(invited())
    offer = said(pairing.receive(device.request(), 0), PairOffer)
    assert key_id(base64url.from_text(offer.key)) == HOME.home_id
    accept = said(pairing.receive(device.reveal(offer), 0), PairAccept)
    registered = pairing.receive(device.confirm(accept), SECRET_MS - 1)
    assert registered == [Register(public(key), "Anna's phone", "anna")]
    assert pairing.tick(SECRET_MS * 2) == [], "the disk is waited for"
    said(pairing.stored(), Paired)
    assert pairing.state is State.PAIRED


@pytest.mark.parametrize("key", KEYS, ids=["ed25519", "p256"])
def test_people_who_see_the_same_code_pair(key: PrivateKey) -> None:
    device, pairing = DeviceEnd(key), begin(invited(None))
    offer = said(pairing.receive(device.request(), 0), PairOffer)
    (shown,) = pairing.receive(device.reveal(offer), SECRET_MS)
    assert shown == ShowCode(device.code(Purpose.PAIR_COMPARE), "Anna's phone")
    accept = said(pairing.answer(True, COMPARE_MS - 2), PairAccept)
    assert accept.mac is None
    (register,) = pairing.receive(device.confirm(accept), COMPARE_MS - 1)
    assert register == Register(public(key), "Anna's phone", "anna")


def test_nothing_is_signed_before_the_person_has_said_yes() -> None:
    device, pairing = DeviceEnd(KEYS[0]), begin(invited(None))
    pairing.receive(device.reveal(said(pairing.receive(device.request(), 0), PairOffer)), 0)
    early = PairConfirm(signature=base64url.to_text(bytes(64)))
    assert refusal(pairing.receive(early, 0)) == "malformed"
    assert pairing.answer(True, 0) == []


def test_no_is_no_before_and_after_the_home_has_signed() -> None:
    for first_yes in (False, True):
        device, pairing = DeviceEnd(KEYS[0]), begin(invited(None))
        pairing.receive(device.reveal(said(pairing.receive(device.request(), 0), PairOffer)), 0)
        if first_yes:
            accept = said(pairing.answer(True, 0), PairAccept)
        assert refusal(pairing.answer(False, 0)) == "pairing_declined"
        assert pairing.answer(True, 0) == [], "the first answer counts"
        if first_yes:
            assert pairing.receive(device.confirm(accept), 0) == []


@pytest.mark.parametrize("method", ["secret", "compare"])
def test_a_relay_between_two_legs_gets_neither_a_proof_nor_the_same_code(
    method: PairingMethod,
) -> None:
    secret = SECRET if method == "secret" else None
    middle = fixed("certificate in the middle")
    device = DeviceEnd(KEYS[0], replace(FINGERPRINTS, home=middle), secret=secret)
    pairing = begin(invited(secret), replace(FINGERPRINTS, device=middle))
    offer = said(pairing.receive(device.request(), 0), PairOffer)
    effects = pairing.receive(device.reveal(offer), 0)
    if method == "secret":
        assert refusal(effects) == "pairing_code_wrong"
    else:
        (shown,) = effects
        assert isinstance(shown, ShowCode)
        assert shown.code != device.code(Purpose.PAIR_COMPARE)


def test_a_key_of_the_middle_changes_the_code() -> None:
    device = DeviceEnd(KEYS[0])
    pairing = begin(invited(None))
    forged = PairOffer(
        key=base64url.to_text(public(ed25519("middle"))), nonce=base64url.to_text(NONCE)
    )
    pairing.receive(device.request(), 0)
    (shown,) = pairing.receive(device.reveal(forged), 0)
    assert isinstance(shown, ShowCode)
    assert shown.code != device.code(Purpose.PAIR_COMPARE)


def test_a_nonce_ground_after_the_homes_is_refused() -> None:
    device, pairing = DeviceEnd(KEYS[0]), begin(invited(None))
    pairing.receive(device.request(), 0)
    ground = PairReveal(nonce=base64url.to_text(fixed("ground")))
    assert refusal(pairing.receive(ground, 0)) == "proof_wrong"


def test_a_key_that_the_device_does_not_hold_is_not_registered() -> None:
    device, pairing = DeviceEnd(KEYS[0], secret=SECRET), begin(invited())
    offer = said(pairing.receive(device.request(), 0), PairOffer)
    accept = said(pairing.receive(device.reveal(offer), 0), PairAccept)
    wrong = PairConfirm(signature=accept.signature)
    assert refusal(pairing.receive(wrong, 0)) == "proof_wrong"


def test_a_code_is_good_once() -> None:
    invitation = invited()
    said(tried(invitation, SECRET), PairAccept)
    assert refusal(tried(invitation, SECRET)) == "pairing_used"


def test_of_two_devices_at_once_the_first_with_the_secret_is_let_in() -> None:
    invitation = invited()
    ends = [
        (DeviceEnd(key, secret=SECRET, nonce=fixed(name)), begin(invitation, nonce=fixed(name)))
        for key, name in zip(KEYS, ("one", "two"), strict=True)
    ]
    offers = [said(p.receive(d.request(), 0), PairOffer) for d, p in ends]
    effects = [p.receive(d.reveal(o), 0) for (d, p), o in zip(ends, offers, strict=True)]
    said(effects[0], PairAccept)
    assert refusal(effects[1]) == "pairing_used"


def test_a_code_expires() -> None:
    said(tried(invited(), SECRET, LIFE_MS - 1), PairAccept)
    assert refusal(tried(invited(), SECRET, LIFE_MS)) == "pairing_expired"


def test_a_code_expires_between_request_and_reveal() -> None:
    device, pairing = DeviceEnd(KEYS[0], secret=SECRET), begin(invited(), now_ms=LIFE_MS - 1)
    offer = said(pairing.receive(device.request(), LIFE_MS - 1), PairOffer)
    assert refusal(pairing.receive(device.reveal(offer), LIFE_MS)) == "pairing_expired"


def test_ten_wrong_codes_lock_it_for_the_right_one_too() -> None:
    invitation = invited()
    for _ in range(WRONG_TRIES):
        assert refusal(tried(invitation, WRONG)) == "pairing_code_wrong"
    assert refusal(tried(invitation, WRONG)) == "pairing_locked"
    assert refusal(tried(invitation, SECRET)) == "pairing_locked"


def test_nine_wrong_codes_do_not() -> None:
    invitation = invited()
    for _ in range(WRONG_TRIES - 1):
        tried(invitation, WRONG)
    said(tried(invitation, SECRET), PairAccept)


def test_connections_opened_before_the_lock_get_no_more_tries() -> None:
    invitation = invited()
    ends = [(DeviceEnd(KEYS[0], secret=WRONG), begin(invitation)) for _ in range(WRONG_TRIES + 2)]
    offers = [said(p.receive(d.request(), 0), PairOffer) for d, p in ends]
    codes = [refusal(p.receive(d.reveal(o), 0)) for (d, p), o in zip(ends, offers, strict=True)]
    assert codes == ["pairing_code_wrong"] * WRONG_TRIES + ["pairing_locked"] * 2


def test_without_an_invitation_for_this_way_nobody_is_let_in() -> None:
    comparing, knowing = DeviceEnd(KEYS[0]), DeviceEnd(KEYS[0], secret=SECRET)
    for device, invitation in [
        (comparing, None),
        (knowing, None),
        (comparing, invited()),
        (knowing, invited(None)),
    ]:
        pairing = begin(invitation)
        assert refusal(pairing.receive(device.request(), 0)) == "pairing_closed"


def test_a_missing_proof_is_a_wrong_one() -> None:
    invitation = invited()
    device, pairing = DeviceEnd(KEYS[0], secret=SECRET), begin(invitation)
    offer = said(pairing.receive(device.request(), 0), PairOffer)
    without = PairReveal(nonce=device.reveal(offer).nonce)
    assert refusal(pairing.receive(without, 0)) == "pairing_code_wrong"


def test_the_homes_own_proof_cannot_be_reflected() -> None:
    device, pairing = DeviceEnd(KEYS[0], secret=SECRET, home_nonce=NONCE), begin(invited())
    proved = device.transcript(Purpose.PAIR_SECRET).of("home")
    own = invited().prove(proved)
    assert own is not None
    pairing.receive(device.request(), 0)
    reflected = PairReveal(nonce=base64url.to_text(device.nonce), mac=base64url.to_text(own))
    assert refusal(pairing.receive(reflected, 0)) == "pairing_code_wrong"


def test_a_disk_that_fails_pairs_nobody() -> None:
    device, pairing = DeviceEnd(KEYS[0], secret=SECRET), begin(invited())
    offer = said(pairing.receive(device.request(), 0), PairOffer)
    accept = said(pairing.receive(device.reveal(offer), 0), PairAccept)
    pairing.receive(device.confirm(accept), 0)
    assert refusal(pairing.stored("storage_failed")) == "storage_failed"


def test_another_version_and_slowness_are_refused() -> None:
    request = DeviceEnd(KEYS[0], secret=SECRET).request()
    other = PairRequest(
        version=VERSION + 1,
        method=request.method,
        key=request.key,
        commitment=request.commitment,
        name=request.name,
    )
    assert refusal(begin(invited()).receive(other, 0)) == "unsupported_version"
    assert refusal(begin(invited()).receive(request, SECRET_MS)) == "too_late"
    assert refusal(begin(invited()).tick(SECRET_MS)) == "too_late"
    assert refusal(begin(invited()).receive_bad(Malformed("No."), 0)) == "malformed"


@st.composite
def attacks(
    draw: st.DrawFn,
) -> tuple[Pairing, list[ToHome | ProtocolError | int | bool], PairConfirm, bytes | None]:
    """A pairing, and anything in any order by somebody who does not know the secret.

    He has the messages of a device that does, over another connection of the same home, and of one
    that pairs in another way; he cannot make the person say yes, but somebody does at random.
    """
    secret = draw(st.sampled_from([SECRET, None]))
    device = DeviceEnd(KEYS[0], secret=secret, home_nonce=NONCE)
    offer = PairOffer(key=base64url.to_text(HOME.key), nonce=base64url.to_text(NONCE))
    other_offer = PairOffer(key=offer.key, nonce=base64url.to_text(fixed("other")))
    middle = replace(device, fingerprints=replace(FINGERPRINTS, home=fixed("middle")))
    guess = replace(device, secret=WRONG)
    pool: list[ToHome | ProtocolError] = [
        guess.request(),
        replace(device, secret=None).request(),
        replace(device, secret=None).reveal(offer),
        guess.reveal(offer),
        replace(device).reveal(other_offer),
        middle.reveal(offer),
        device.introduce(),
        signed(device, "home", Purpose.PAIR_COMPARE),
        signed(device, "device", Purpose.BIND),
        signed(middle, "device", Purpose.PAIR_SECRET),
        signed(middle, "device", Purpose.PAIR_COMPARE),
        Malformed("No."),
    ]
    right = signed(
        device, "device", Purpose.PAIR_COMPARE if secret is None else Purpose.PAIR_SECRET
    )
    steps = st.one_of(
        st.sampled_from(pool), st.just(right), st.booleans(), st.integers(0, COMPARE_MS)
    )
    sequence = draw(st.lists(steps, max_size=10))
    if draw(st.booleans()):
        sequence = [*pool[1:3], True, *sequence]
    return begin(invited(secret)), sequence, right, secret


def signed(device: DeviceEnd, role: str, purpose: Purpose) -> PairConfirm:
    transcript = device.transcript(purpose)
    text = (
        HOME.sign(transcript.of("home"))
        if role == "home"
        else sign(device.key, transcript.of("device"))
    )
    return PairConfirm(signature=base64url.to_text(text))


@given(attacks())
@settings(max_examples=400)
def test_in_no_order_is_a_device_registered_without_secret_or_approval(
    attack: tuple[Pairing, list[ToHome | ProtocolError | int | bool], PairConfirm, bytes | None],
) -> None:
    pairing, sequence, right, secret = attack
    now_ms, shown, approved = 0, False, False
    for item in sequence:
        was = pairing.state
        if isinstance(item, bool):
            effects = pairing.answer(item, now_ms)
            approved = approved or (item and was is State.COMPARING)
        elif isinstance(item, int):
            now_ms += item
            effects = pairing.tick(now_ms) if item % 2 else []  # timers may be late
        elif isinstance(item, ProtocolError):
            effects = pairing.receive_bad(item, now_ms)
        else:
            effects = pairing.receive(item, now_ms)
        shown = shown or any(isinstance(effect, ShowCode) for effect in effects)
        for effect in effects:
            accepts = isinstance(effect, Send) and isinstance(effect.message, PairAccept)
            if accepts or isinstance(effect, Register):
                assert secret is None, "nobody here knows it"
                assert shown
                assert approved
            if isinstance(effect, Register):
                assert item == right
                assert now_ms < COMPARE_MS
        if was is State.CLOSED:
            assert effects == []


@given(st.sampled_from([SECRET, None]), st.lists(st.integers(0, 2_000), min_size=4, max_size=4))
def test_honest_ends_are_always_paired(secret: bytes | None, delays: list[int]) -> None:
    device, pairing = DeviceEnd(KEYS[0], secret=secret), begin(invited(secret))
    now_ms = delays[0]
    offer = said(pairing.receive(device.request(), now_ms), PairOffer)
    now_ms += delays[1]
    effects = pairing.receive(device.reveal(offer), now_ms)
    now_ms += delays[2]
    accept = said(pairing.answer(True, now_ms) if secret is None else effects, PairAccept)
    now_ms += delays[3]
    pairing.receive(device.confirm(accept), now_ms)
    said(pairing.stored(), Paired)


def test_the_table_is_total_and_registers_in_one_place() -> None:
    assert set(TABLE) == {(state, kind) for state in State for kind in Kind}
    into = [
        at for at, (then, _) in TABLE.items() if then is State.REGISTERING and at[0] is not then
    ]
    assert into == [(State.AWAITING_CONFIRMATION, Kind.CONFIRMED)]
    assert "REGISTERING --> PAIRED: on disk / paired" in mermaid()
