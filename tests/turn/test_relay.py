"""Every method of TURN on the relay without sockets: what is answered to whom, and when."""

import pytest

from protocol import stun
from protocol.stun import Class, Method
from tests.turn.caller import LIMITS, NOW, UDP, WALL, Caller, code, make_relay, pair
from turn import channel_data, strangers
from turn.allocations import MOST_CHANNELS
from turn.limits import Limits
from turn.relay import Relay


@pytest.fixture
def relay() -> Relay:
    return make_relay()


@pytest.fixture
def anna(relay: Relay) -> Caller:
    return Caller(relay)


def test_anybody_is_told_where_a_request_came_from(anna: Caller) -> None:
    tid = stun.new_transaction_id()
    answer = anna.ask(stun.build(Method.BINDING, Class.REQUEST, tid))
    assert answer.cls is Class.SUCCESS
    assert answer.get(stun.XOR_MAPPED_ADDRESS) == anna.address
    assert answer.transaction_id == tid


def test_an_answer_has_a_fingerprint_where_the_request_has_one(anna: Caller) -> None:
    request = stun.build(Method.BINDING, Class.REQUEST, bytes(12), fingerprint=True)
    assert anna.ask(request).has_fingerprint
    assert not anna.ask(stun.build(Method.BINDING, Class.REQUEST, bytes(12))).has_fingerprint


def test_what_must_be_understood_and_is_not_is_named(anna: Caller) -> None:
    body = bytes.fromhex("00330000")
    request = stun.build(Method.BINDING, Class.REQUEST, bytes(12))
    answer = anna.ask(request[:3] + bytes([len(body)]) + request[4:] + body)
    assert code(answer) == 420
    assert answer.get(stun.UNKNOWN_ATTRIBUTES) == (0x0033,)


@pytest.mark.parametrize("method", [3, 4, 8, 9])
def test_who_shows_no_credentials_is_challenged(anna: Caller, method: int) -> None:
    answer = anna.ask(stun.build(method, Class.REQUEST, bytes(12)))
    assert code(answer) == 401
    assert answer.get(stun.REALM) == "hearth"
    assert answer.get(stun.NONCE)


def test_credentials_without_a_nonce_are_a_bad_request(anna: Caller) -> None:
    request = stun.build(
        Method.ALLOCATE, Class.REQUEST, bytes(12), [stun.USERNAME.of(anna.username)], key=anna.key
    )
    assert code(anna.ask(request)) == 400


@pytest.mark.parametrize("name", ["", "anna", ":anna", "x:anna", "1700000600:", "-1:anna"])
def test_a_name_that_signaling_did_not_make_is_refused(anna: Caller, name: str) -> None:
    anna.nonce = anna.ask(stun.build(3, Class.REQUEST, bytes(12))).get(stun.NONCE)
    key = stun.long_term_key(name, "hearth", "")
    who = [stun.USERNAME.of(name), stun.REALM.of("hearth"), stun.NONCE.of(anna.nonce or "")]
    assert code(anna.ask(stun.build(3, Class.REQUEST, bytes(12), [*who, UDP], key=key))) == 401


def test_a_wrong_password_is_refused(anna: Caller) -> None:
    anna.request(Method.ALLOCATE, UDP)
    who = [
        stun.USERNAME.of(anna.username),
        stun.REALM.of("hearth"),
        stun.NONCE.of(anna.nonce or ""),
    ]
    assert code(anna.ask(stun.build(4, Class.REQUEST, bytes(12), who, key=b"guess"))) == 401


def test_credentials_that_ended_make_no_allocation(anna: Caller) -> None:
    anna.expires = int(WALL) - 1
    assert code(anna.request(Method.ALLOCATE, UDP)) == 401


def test_credentials_that_last_too_long_make_no_allocation(anna: Caller) -> None:
    anna.expires = int(WALL) + 3600
    assert code(anna.request(Method.ALLOCATE, UDP)) == 401


def test_an_allocation_is_refreshed_past_the_end_of_its_credentials(anna: Caller) -> None:
    anna.allocate()
    anna.wall += 601
    anna.now += 500
    answer = anna.request(Method.REFRESH)
    assert answer.get(stun.LIFETIME) == 600


def test_a_nonce_ends_and_another_one_is_given(anna: Caller) -> None:
    anna.allocate()
    anna.now += 550
    anna.request(Method.REFRESH)
    anna.now += 60
    answer = anna.request(Method.REFRESH)
    assert code(answer) == 438
    anna.nonce = answer.get(stun.NONCE)
    assert code(anna.request(Method.REFRESH)) is None


def test_a_nonce_is_no_use_from_another_address(relay: Relay, anna: Caller) -> None:
    anna.allocate()
    thief = Caller(relay, address=("198.51.100.9", 1), nonce=anna.nonce)
    assert code(thief.request(Method.ALLOCATE, UDP)) == 438


def test_an_allocation_has_an_address_of_the_relay_and_a_lifetime(anna: Caller) -> None:
    answer = anna.request(Method.ALLOCATE, UDP)
    relayed = answer.get(stun.XOR_RELAYED_ADDRESS)
    assert relayed is not None
    assert relayed[0] == "203.0.113.5"
    assert relayed[1] >= 49_152
    assert answer.get(stun.LIFETIME) == 600
    assert answer.get(stun.XOR_MAPPED_ADDRESS) == anna.address


@pytest.mark.parametrize(("asked", "given"), [(1, 600), (601, 601), (1 << 31, 3600)])
def test_a_lifetime_is_what_was_asked_for_within_limits(
    anna: Caller, asked: int, given: int
) -> None:
    answer = anna.request(Method.ALLOCATE, UDP, stun.LIFETIME.of(asked))
    assert answer.get(stun.LIFETIME) == given


def test_a_repeated_allocate_has_the_same_answer(anna: Caller) -> None:
    first = anna.request(Method.ALLOCATE, UDP, transaction_id=b"a" * 12)
    again = anna.request(Method.ALLOCATE, UDP, transaction_id=b"a" * 12)
    assert again.attributes == first.attributes
    assert code(anna.request(Method.ALLOCATE, UDP, transaction_id=b"b" * 12)) == 437


def test_transports_other_than_udp_are_not_relayed(anna: Caller) -> None:
    assert code(anna.request(Method.ALLOCATE)) == 400
    assert code(anna.request(Method.ALLOCATE, stun.REQUESTED_TRANSPORT.of(6))) == 442


def test_dont_fragment_is_not_understood(anna: Caller) -> None:
    answer = anna.request(Method.ALLOCATE, UDP, stun.DONT_FRAGMENT.of(None))
    assert code(answer) == 420
    assert answer.get(stun.UNKNOWN_ATTRIBUTES) == (0x001A,)


def test_an_address_family_is_given_where_the_relay_has_one(anna: Caller) -> None:
    assert anna.allocate(stun.REQUESTED_ADDRESS_FAMILY.of(stun.IPV6))[0] == "2001:db8::5"
    only = Caller(make_relay({stun.IPV4: "203.0.113.5"}))
    family = stun.REQUESTED_ADDRESS_FAMILY
    assert code(only.request(Method.ALLOCATE, UDP, family.of(stun.IPV6))) == 440
    assert code(only.request(Method.ALLOCATE, UDP, family.of(7))) == 440


def test_both_families_are_given_at_once(anna: Caller) -> None:
    both = stun.ADDITIONAL_ADDRESS_FAMILY.of(stun.IPV6)
    answer = anna.request(Method.ALLOCATE, UDP, both)
    hosts = [address[0] for address in answer.every(stun.XOR_RELAYED_ADDRESS)]
    assert hosts == ["203.0.113.5", "2001:db8::5"]
    ended = anna.request(
        Method.REFRESH, stun.LIFETIME.of(0), stun.REQUESTED_ADDRESS_FAMILY.of(stun.IPV6)
    )
    assert ended.get(stun.LIFETIME) == 0
    assert anna.allocation is not None
    assert list(anna.allocation.relayed) == [stun.IPV4]
    again = anna.request(Method.REFRESH, stun.REQUESTED_ADDRESS_FAMILY.of(stun.IPV6))
    assert code(again) == 443


def test_a_second_family_that_there_is_not_is_told_and_the_first_given() -> None:
    only = Caller(make_relay({stun.IPV4: "203.0.113.5"}))
    both = stun.ADDITIONAL_ADDRESS_FAMILY.of(stun.IPV6)
    answer = only.request(Method.ALLOCATE, UDP, both)
    assert len(answer.every(stun.XOR_RELAYED_ADDRESS)) == 1
    problem = answer.get(stun.ADDRESS_ERROR_CODE)
    assert problem is not None
    assert (problem.family, problem.code) == (stun.IPV6, 440)


@pytest.mark.parametrize(
    "attributes",
    [
        [stun.RESERVATION_TOKEN.of(bytes(8)), stun.EVEN_PORT.of(0)],
        [stun.RESERVATION_TOKEN.of(bytes(8)), stun.REQUESTED_ADDRESS_FAMILY.of(1)],
        [stun.ADDITIONAL_ADDRESS_FAMILY.of(1)],
        [stun.ADDITIONAL_ADDRESS_FAMILY.of(2), stun.REQUESTED_ADDRESS_FAMILY.of(1)],
        [stun.ADDITIONAL_ADDRESS_FAMILY.of(2), stun.EVEN_PORT.of(0x80)],
    ],
)
def test_what_cannot_be_asked_for_together_is_a_bad_request(
    anna: Caller, attributes: list[stun.Attribute]
) -> None:
    assert code(anna.request(Method.ALLOCATE, UDP, *attributes)) == 400


def test_an_even_port_and_the_next_one_for_its_token(relay: Relay, anna: Caller) -> None:
    answer = anna.request(Method.ALLOCATE, UDP, stun.EVEN_PORT.of(0x80))
    relayed, token = answer.get(stun.XOR_RELAYED_ADDRESS), answer.get(stun.RESERVATION_TOKEN)
    assert relayed is not None
    assert token is not None
    assert relayed[1] % 2 == 0
    other = Caller(relay, address=("198.51.100.1", 5001))
    stranger = Caller(relay, address=("198.51.100.7", 1), user="boris")
    kept = stun.RESERVATION_TOKEN.of(token)
    assert code(stranger.request(Method.ALLOCATE, UDP, kept)) == 508
    assert other.allocate(kept) == (relayed[0], relayed[1] + 1)
    third = Caller(relay, address=("198.51.100.1", 5002))
    assert code(third.request(Method.ALLOCATE, UDP, kept)) == 508


def test_a_reservation_ends(relay: Relay, anna: Caller) -> None:
    answer = anna.request(Method.ALLOCATE, UDP, stun.EVEN_PORT.of(0x80))
    token = answer.get(stun.RESERVATION_TOKEN)
    late = Caller(relay, address=("198.51.100.1", 5001), now=NOW + 31)
    assert code(late.request(Method.ALLOCATE, UDP, stun.RESERVATION_TOKEN.of(token or b""))) == 508
    relay.expire(NOW + 31)
    assert not relay.allocations.reservations


def test_a_user_has_a_quota_and_so_have_all_together(relay: Relay) -> None:
    callers = [
        Caller(relay, address=("198.51.100.1", port), user=user)
        for user in ("anna", "boris", "carla")
        for port in range(ord(user[0]) * 10, ord(user[0]) * 10 + LIMITS.allocations_per_user + 1)
    ]
    codes = [code(caller.request(Method.ALLOCATE, UDP)) for caller in callers]
    assert codes == [None, None, None, 486, None, None, None, 508, 508, 508, 508, 508]


def test_a_quota_is_free_again_after_the_end(relay: Relay) -> None:
    callers = [Caller(relay, address=("198.51.100.1", port)) for port in range(1, 5)]
    for caller in callers[:3]:
        caller.allocate()
    assert code(callers[3].request(Method.ALLOCATE, UDP)) == 486
    assert callers[0].request(Method.REFRESH, stun.LIFETIME.of(0)).get(stun.LIFETIME) == 0
    assert callers[0].allocation is None
    callers[3].allocate()


def test_only_the_owner_refreshes(relay: Relay, anna: Caller) -> None:
    anna.allocate()
    anna.user = "boris"
    assert code(anna.request(Method.REFRESH)) == 441
    assert code(anna.request(Method.ALLOCATE, UDP)) == 437
    stranger = Caller(relay, address=("198.51.100.7", 1))
    assert code(stranger.request(Method.REFRESH)) == 437


def test_an_allocation_ends_with_its_lifetime_and_with_its_connection(relay: Relay) -> None:
    anna, _, home, _ = pair(relay)
    for action in relay.lose(home):
        action.client.end()
    assert home.allocation is None
    assert relay.lose(home) == []
    for action in relay.expire(NOW + 601):
        action.client.end()
    assert anna.allocation is None
    assert not relay.allocations.of
    assert not relay.allocations.at
    relay.expire(NOW + 700)
    assert not relay.allocations.users


def test_data_goes_both_ways_as_indications(relay: Relay) -> None:
    anna, at_anna, home, at_home = pair(relay)
    anna.indicate(at_home, b"question")
    (came,) = home.got()
    message = stun.parse(came)
    assert (message.method, message.cls) == (Method.DATA, Class.INDICATION)
    assert message.get(stun.XOR_PEER_ADDRESS) == at_anna
    assert message.get(stun.DATA) == b"question"
    home.indicate(at_anna, b"answer")
    assert stun.parse(anna.got()[0]).get(stun.DATA) == b"answer"


def test_data_goes_over_the_channels_that_each_end_bound(relay: Relay) -> None:
    anna, at_anna, home, at_home = pair(relay)
    assert code(anna.bind(0x4001, at_home)) is None
    anna.say(channel_data.build(0x4001, b"one"))
    assert stun.parse(home.got()[0]).get(stun.DATA) == b"one"
    home.bind(0x4FFF, at_anna)
    anna.say(channel_data.build(0x4001, b"two") + b"\0")
    anna.indicate(at_home, b"three")
    assert home.got() == [
        channel_data.build(0x4FFF, b"two"),
        channel_data.build(0x4FFF, b"three"),
    ]


def test_the_short_way_does_what_the_long_one_does(relay: Relay) -> None:
    anna, at_anna, home, at_home = pair(relay)
    anna.bind(0x4001, at_home)
    home.bind(0x4002, at_anna)
    assert anna.allocation is not None
    frame = channel_data.build(0x4001, b"data")
    assert relay.forward(anna.allocation, memoryview(bytearray(frame)), NOW) is None
    anna.say(frame)
    long_way = home.got()
    short = bytearray(frame)
    assert relay.forward(anna.allocation, memoryview(short), NOW) is home
    assert [bytes(short)] == long_way


@pytest.mark.parametrize("end", ["permission", "channel", "target"])
def test_the_short_way_ends_with_what_it_rests_on(relay: Relay, end: str) -> None:
    anna, at_anna, home, at_home = pair(relay)
    anna.bind(0x4001, at_home)
    home.bind(0x4002, at_anna)
    frame = channel_data.build(0x4001, b"data")
    anna.say(frame)
    assert anna.allocation is not None
    assert anna.allocation.routes
    if end == "permission":
        relay.expire(NOW + 301)
    elif end == "channel":
        anna.now = home.now = NOW + 299
        for caller, peer in ((anna, at_home), (home, at_anna)):
            caller.request(Method.REFRESH)
            caller.permit(peer)
        relay.expire(NOW + 590)  # nothing but permissions has ended
        anna.now = home.now = NOW + 590
        anna.permit(at_home)
        home.permit(at_anna)
        relay.expire(NOW + 601)
    else:
        home.request(Method.REFRESH, stun.LIFETIME.of(0))
    home.got()
    assert relay.forward(anna.allocation, memoryview(bytearray(frame)), NOW) is None
    anna.now = NOW + 602
    anna.say(frame)
    assert home.got() == []


def test_data_needs_the_permission_of_both_ends(relay: Relay) -> None:
    anna, home = Caller(relay), Caller(relay, address=("198.51.100.2", 6000), user="home:1")
    at_anna, at_home = anna.allocate(), home.allocate()
    anna.indicate(at_home, b"no")
    home.permit(at_anna)
    anna.indicate(at_home, b"not permitted by the one that sends")
    home.indicate(at_anna, b"not permitted by the one that gets it")
    assert home.got() == anna.got() == []
    anna.permit(at_home)
    anna.indicate(at_home, b"yes")
    home.indicate(at_anna, b"yes")
    assert len(home.got()) == len(anna.got()) == 1
    anna.now += 301
    anna.indicate(at_home, b"no more")
    assert home.got() == []


def test_what_a_permission_needs(relay: Relay, anna: Caller) -> None:
    assert code(anna.permit(("203.0.113.5", 50_000))) == 437
    at_anna = anna.allocate()
    assert code(anna.request(Method.CREATE_PERMISSION)) == 400
    assert code(anna.permit(("2001:db8::5", 50_000))) == 443
    assert code(anna.permit(("203.0.113.5", 49_151))) == 403
    assert code(anna.permit(at_anna, ("203.0.113.5", 49_151))) == 403
    assert anna.allocation is not None
    assert not anna.allocation.permissions


def test_what_a_channel_needs(relay: Relay) -> None:
    anna, at_anna, _, at_home = pair(relay)
    assert code(anna.request(Method.CHANNEL_BIND, stun.CHANNEL_NUMBER.of(0x4000))) == 400
    assert code(anna.request(Method.CHANNEL_BIND, stun.XOR_PEER_ADDRESS.of(at_home))) == 400
    assert code(anna.bind(0x3FFF, at_home)) == 400
    assert code(anna.bind(0x5000, at_home)) == 400
    assert code(anna.bind(0x4000, ("203.0.113.5", 49_151))) == 403
    assert code(anna.bind(0x4000, at_home)) is None
    assert code(anna.bind(0x4000, at_home)) is None
    assert code(anna.bind(0x4000, at_anna)) == 400
    assert code(anna.bind(0x4001, at_home)) == 400


def test_a_send_with_dont_fragment_is_dropped(relay: Relay) -> None:
    anna, _, home, at_home = pair(relay)
    anna.indicate(at_home, b"data", stun.DONT_FRAGMENT.of(None))
    assert home.got() == []


def test_who_sends_too_much_loses_the_rest_until_time_has_passed(relay: Relay) -> None:
    anna, _, home, at_home = pair(relay)
    for _ in range(15):
        anna.indicate(at_home, bytes(1000))
    assert len(home.got()) == 10
    assert relay.tally.dropped["too fast"] == 5
    anna.now += 0.5
    for _ in range(15):
        anna.indicate(at_home, bytes(1000))
    assert len(home.got()) == 5


def test_all_together_have_a_bandwidth_too(relay: Relay) -> None:
    users = [
        Caller(relay, address=("198.51.100.1", port), user=f"user {port}") for port in range(1, 6)
    ]
    addresses = [caller.allocate() for caller in users]
    for caller in users:
        caller.permit(*addresses)
    for sender in range(4):
        for _ in range(10):
            users[sender].indicate(addresses[4], bytes(1000))
    assert len(users[4].got()) == 30


def test_a_relay_that_stops_makes_no_allocations_and_serves_the_others(relay: Relay) -> None:
    anna, _, home, at_home = pair(relay)
    relay.stop()
    late = Caller(relay, address=("198.51.100.8", 1))
    assert code(late.request(Method.ALLOCATE, UDP)) == 508
    anna.indicate(at_home, b"still")
    assert len(home.got()) == 1


def test_the_short_way_is_closed_to_who_sends_too_much(relay: Relay) -> None:
    anna, at_anna, home, at_home = pair(relay)
    anna.bind(0x4001, at_home)
    home.bind(0x4002, at_anna)
    frame = channel_data.build(0x4001, bytes(4_000))
    anna.say(frame)
    assert anna.allocation is not None
    assert relay.forward(anna.allocation, memoryview(bytearray(frame)), NOW) is home
    assert relay.forward(anna.allocation, memoryview(bytearray(frame)), NOW) is None


def asks(caller: Caller, times: int, method: Method = Method.BINDING) -> int:
    """Ask so often without credentials, and give how many answers there were."""
    for _ in range(times):
        caller.say(stun.build(method, Class.REQUEST, stun.new_transaction_id()))
    return len(caller.got())


MOST = int(LIMITS.answers_per_s_and_address)


@pytest.mark.parametrize("method", [Method.BINDING, Method.ALLOCATE])
def test_who_shows_no_credentials_is_answered_so_often_and_then_not(
    anna: Caller, method: Method
) -> None:
    assert asks(anna, MOST + 50, method) == MOST
    assert anna.relay.tally.dropped["too often"] == 50
    anna.now += 0.5
    assert asks(anna, MOST, method) == MOST / 2


def test_answers_are_counted_by_address_and_by_64_bits_of_ipv6(relay: Relay) -> None:
    def at(host: str, port: int = 1) -> Caller:
        return Caller(relay, address=(host, port))

    assert asks(at("198.51.100.1"), MOST) == asks(at("2001:db8::1"), MOST) == MOST
    assert asks(at("198.51.100.1", 2), 1) == asks(at("2001:db8::ffff:2"), 1) == 0
    assert asks(at("198.51.100.2"), 1) == asks(at("2001:db8:0:1::1"), 1) == 1


def test_wrong_credentials_are_none(anna: Caller) -> None:
    nonce = anna.ask(stun.build(Method.ALLOCATE, Class.REQUEST, bytes(12))).get(stun.NONCE)
    who = [stun.USERNAME.of("x"), stun.REALM.of("hearth"), stun.NONCE.of(nonce or "")]
    for _ in range(2 * MOST):
        anna.say(stun.build(Method.ALLOCATE, Class.REQUEST, bytes(12), who, key=b"guess"))
    assert len(anna.got()) == MOST - 1


def test_who_has_an_allocation_is_answered_whatever_strangers_do(
    relay: Relay, anna: Caller
) -> None:
    anna.allocate()
    asks(Caller(relay, address=(anna.address[0], 1)), 2 * MOST)
    assert asks(anna, 10) == 10
    assert anna.request(Method.REFRESH).cls is Class.SUCCESS


def test_who_came_by_tcp_is_there_and_is_answered(relay: Relay) -> None:
    assert asks(Caller(relay, may_be_forged=False), 2 * MOST) == 2 * MOST


def test_strangers_take_a_little_memory_for_a_little_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strangers, "MOST", 50)
    met = strangers.Strangers(100)
    for n in range(200):
        assert met.may_be_answered(f"198.51.100.{n}", NOW)
    assert len(met) == 50
    met.expire(NOW + 1)
    assert len(met) == 0


def test_an_allocation_has_so_many_channels() -> None:
    relay = make_relay(limits=Limits(100, 100, 1e6, 1e6, 100))
    callers = [Caller(relay, address=("198.51.100.1", port)) for port in range(MOST_CHANNELS + 1)]
    addresses = [caller.allocate() for caller in callers]
    codes = [code(callers[0].bind(0x4000 + n, peer)) for n, peer in enumerate(addresses)]
    assert codes == [None] * MOST_CHANNELS + [508]


def test_reservations_are_no_more_than_allocations_may_be(relay: Relay, anna: Caller) -> None:
    codes = []
    for _ in range(LIMITS.allocations + 1):
        codes.append(code(anna.request(Method.ALLOCATE, UDP, stun.EVEN_PORT.of(0x80))))
        anna.request(Method.REFRESH, stun.LIFETIME.of(0))
    assert codes == [None] * LIMITS.allocations + [508]
