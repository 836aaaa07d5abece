from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_peer.trust.connect import (
    CONNECT_MS,
    TABLE,
    Connect,
    Effect,
    Fingerprints,
    Kind,
    Open,
    Send,
    State,
    mermaid,
)
from protocol import VERSION, base64url, codec
from protocol.chat import Hello
from protocol.errors import Malformed, ProtocolError
from protocol.transcript import Purpose
from protocol.trust import (
    Bound,
    Challenge,
    Introduce,
    PairConfirm,
    PairRequest,
    Prove,
    ToHome,
    TrustError,
)
from tests.gpu_peer.support.trust import (
    FINGERPRINTS,
    HOME,
    DeviceEnd,
    DeviceList,
    PrivateKey,
    ed25519,
    fixed,
    p256,
    public,
)

NONCE = fixed("home nonce")
KEYS: list[PrivateKey] = [ed25519("anna's phone"), p256("anna's laptop")]


def house(*more: PrivateKey) -> DeviceList:
    devices = DeviceList()
    for key in (*KEYS, *more):
        devices.add(public(key))
    return devices


def begin(
    devices: DeviceList | None = None,
    fingerprints: Fingerprints = FINGERPRINTS,
    nonce: bytes = NONCE,
) -> Connect:
    return Connect(HOME, devices or house(), fingerprints, nonce, 0)


def challenged(connect: Connect, introduce: Introduce) -> Challenge:
    (effect,) = connect.receive(introduce, 0)
    assert isinstance(effect, Send)
    assert isinstance(effect.message, Challenge)
    return effect.message


def refusal(effects: list[Effect]) -> str:
    (effect,) = effects
    assert isinstance(effect, Send)
    assert isinstance(effect.message, TrustError)
    assert effect.message.message.endswith(".")
    return effect.message.code


@pytest.mark.parametrize("key", KEYS, ids=["ed25519", "p256"])
def test_two_honest_ends_are_bound_and_show_the_same_code(key: PrivateKey) -> None:
    device, connect = DeviceEnd(key), begin()
    prove = device.prove(challenged(connect, device.introduce()))
    bound, opened = connect.receive(prove, CONNECT_MS - 1)
    assert bound == Send(Bound())
    assert isinstance(opened, Open)
    assert (opened.device.key, opened.device.person) == (public(key), "anna")
    assert opened.code == device.code(Purpose.BIND)
    assert connect.state is State.BOUND


def test_an_unknown_or_removed_device_gets_no_signature() -> None:
    devices = house()
    stranger = DeviceEnd(ed25519("stranger"))
    assert refusal(begin(devices).receive(stranger.introduce(), 0)) == "device_unknown"
    device = DeviceEnd(KEYS[0])
    devices.revoke(device.introduce().device)
    assert refusal(begin(devices).receive(device.introduce(), 0)) == "device_revoked"


def test_a_device_that_is_removed_while_it_proves_itself_is_refused() -> None:
    devices = house()
    device, connect = DeviceEnd(KEYS[0]), begin(devices)
    prove = device.prove(challenged(connect, device.introduce()))
    devices.revoke(device.introduce().device)
    assert refusal(connect.receive(prove, 0)) == "device_revoked"
    assert connect.state is State.CLOSED


def test_another_version_is_refused_before_anything_is_signed() -> None:
    said = DeviceEnd(KEYS[0]).introduce()
    other = Introduce(version=VERSION + 1, device=said.device, commitment=said.commitment)
    assert refusal(begin().receive(other, 0)) == "unsupported_version"


@pytest.mark.parametrize("ms", [CONNECT_MS, CONNECT_MS + 1])
def test_a_proof_that_comes_too_late_is_refused_without_any_tick(ms: int) -> None:
    device, connect = DeviceEnd(KEYS[0]), begin()
    prove = device.prove(challenged(connect, device.introduce()))
    assert connect.tick(CONNECT_MS - 1) == []
    assert refusal(connect.receive(prove, ms)) == "too_late"
    assert connect.state is State.CLOSED


def test_who_says_nothing_is_sent_away_in_time() -> None:
    connect = begin()
    assert connect.tick(CONNECT_MS - 1) == []
    assert refusal(connect.tick(CONNECT_MS)) == "too_late"


def test_the_first_bytes_that_are_no_message_end_it() -> None:
    connect = begin()
    assert refusal(connect.receive_bad(Malformed("No."), 0)) == "malformed"
    assert connect.receive(DeviceEnd(KEYS[0]).introduce(), 0) == []


def test_a_chat_message_is_not_even_understood_on_this_road() -> None:
    with pytest.raises(ProtocolError) as caught:
        codec.trust_to_home.decode(codec.encode(Hello(version=VERSION, after=0)))
    assert caught.value.code == "unknown_type"


def test_a_relay_between_two_legs_is_noticed_at_both_ends() -> None:
    middle = fixed("certificate in the middle")
    device = DeviceEnd(KEYS[0], replace(FINGERPRINTS, home=middle))
    connect = begin(fingerprints=replace(FINGERPRINTS, device=middle))
    challenge = challenged(connect, device.introduce())
    with pytest.raises(AssertionError, match="attack"):
        device.prove(challenge)
    careless = DeviceEnd(KEYS[0], device.fingerprints, home_nonce=NONCE)
    signature = careless_proof(careless)
    assert refusal(connect.receive(signature, 0)) == "proof_wrong"


def careless_proof(device: DeviceEnd) -> Prove:
    """What a device would sign that did not check the home."""
    honest = DeviceEnd(device.key, device.fingerprints, device.nonce)
    connect = begin(house(device.key), device.fingerprints, device.home_nonce)
    return honest.prove(challenged(connect, honest.introduce()))


def test_a_nonce_other_than_the_one_committed_to_is_refused() -> None:
    device, connect = DeviceEnd(KEYS[0]), begin()
    prove = device.prove(challenged(connect, device.introduce()))
    other = Prove(signature=prove.signature, nonce=base64url.to_text(fixed("ground")))
    assert refusal(connect.receive(other, 0)) == "proof_wrong"


def test_who_has_seen_the_homes_nonce_cannot_commit_to_another_of_his_own() -> None:
    device, connect = DeviceEnd(KEYS[0]), begin()
    challenged(connect, device.introduce())
    ground = replace(device, nonce=fixed("ground until the codes are equal"))
    assert refusal(connect.receive(ground.introduce(), 0)) == "malformed"
    assert connect.state is State.CLOSED


def test_a_signature_of_another_known_device_is_refused() -> None:
    device, connect = DeviceEnd(KEYS[0]), begin()
    prove = device.prove(challenged(connect, device.introduce()))
    other = begin()
    impostor = DeviceEnd(KEYS[1])
    challenged(other, impostor.introduce())
    assert refusal(other.receive(prove, 0)) == "proof_wrong"


@st.composite
def attacks(draw: st.DrawFn) -> tuple[Connect, list[ToHome | ProtocolError | int], Prove]:
    """A connection, anything that can be sent to it, and the one right proof of it.

    The sender has seen other sessions of the same device and home: over other fingerprints, with
    other nonces, for pairing. He can say again, in any order, all that was said in them and in this
    one, put parts of them together, and sign with a key of his own.
    """
    key = draw(st.sampled_from(KEYS))
    devices = house(own := ed25519("member who attacks"))
    connect, device = begin(devices), DeviceEnd(key)
    right = careless_proof(replace(device, home_nonce=NONCE))
    reflected = Prove(
        signature=base64url.to_text(
            HOME.sign(replace(device, home_nonce=NONCE).transcript(Purpose.BIND).of("home"))
        ),
        nonce=right.nonce,
    )
    elsewhere = [
        replace(device, home_nonce=fixed("another home nonce")),
        replace(device, home_nonce=fixed("a third home nonce"), nonce=fixed("another nonce")),
        replace(device, home_nonce=NONCE, fingerprints=replace(FINGERPRINTS, home=fixed("mim"))),
        replace(device, home_nonce=NONCE, fingerprints=replace(FINGERPRINTS, device=fixed("mim"))),
        replace(device, home_nonce=NONCE, key=own),
    ]
    replays = [careless_proof(session) for session in elsewhere]
    mixed = [Prove(signature=proof.signature, nonce=right.nonce) for proof in replays]
    pool: list[ToHome | ProtocolError] = [
        device.introduce(),
        *(session.introduce() for session in elsewhere),
        *replays,
        *mixed,
        reflected,
        replace(device, home_nonce=NONCE).request(),
        PairConfirm(signature=right.signature),
        Malformed("No."),
    ]
    sequence = draw(
        st.lists(
            st.one_of(st.sampled_from(pool), st.just(right), st.integers(0, 2 * CONNECT_MS)),
            max_size=12,
        )
    )
    if draw(st.booleans()):
        sequence = [device.introduce(), *sequence]
    elif draw(st.booleans()):
        sequence = [elsewhere[-1].introduce(), *sequence]
    return connect, sequence, right


@given(attacks())
@settings(max_examples=400)
def test_in_no_order_is_chat_opened_without_the_right_proof_of_this_connection(
    attack: tuple[Connect, list[ToHome | ProtocolError | int], Prove],
) -> None:
    connect, sequence, right = attack
    now_ms, introduced = 0, False
    for item in sequence:
        was = connect.state
        if isinstance(item, int):
            now_ms += item
            effects = connect.tick(now_ms) if item % 2 else []  # timers may be late
        elif isinstance(item, ProtocolError):
            effects = connect.receive_bad(item, now_ms)
        else:
            effects = connect.receive(item, now_ms)
        opened = [effect for effect in effects if isinstance(effect, Open)]
        if was in (State.BOUND, State.CLOSED):
            assert effects == []
            assert connect.state is was
        if opened:
            assert introduced
            # The attacker's own device may enter as itself, and as nobody else.
            own = opened[0].device.key == public(ed25519("member who attacks"))
            assert own or item == right
            assert now_ms < CONNECT_MS
        assert (connect.state is State.BOUND) == (was is State.BOUND or bool(opened))
        introduced = introduced or isinstance(item, Introduce)


@given(st.lists(st.integers(0, 400), min_size=3, max_size=3), st.sampled_from(KEYS))
def test_honest_ends_that_are_not_too_slow_are_always_bound(
    delays: list[int], key: PrivateKey
) -> None:
    device, connect = DeviceEnd(key), begin()
    assert connect.tick(delays[0]) == []
    (effect,) = connect.receive(device.introduce(), delays[0])
    assert isinstance(effect, Send)
    assert isinstance(effect.message, Challenge)
    assert connect.tick(delays[0] + delays[1]) == []
    connect.receive(device.prove(effect.message), sum(delays))
    assert connect.state is State.BOUND


def test_pairing_has_no_place_here() -> None:
    request: PairRequest = DeviceEnd(KEYS[0]).request()
    assert refusal(begin().receive(request, 0)) == "malformed"


def test_the_table_is_total_and_only_the_right_proof_binds() -> None:
    assert set(TABLE) == {(state, kind) for state in State for kind in Kind}
    into = [at for at, (then, _) in TABLE.items() if then is State.BOUND]
    assert [at for at in into if at[0] is not State.BOUND] == [(State.AWAITING_PROOF, Kind.PROVED)]
    assert "AWAITING_PROOF --> BOUND: right proof / bound, then chat" in mermaid()
