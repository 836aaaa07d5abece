"""The signaling socket: who gets in, who hears whom, and what it takes to be thrown out."""

import asyncio
import json
from typing import Any

import aiohttp
import jwt
import pytest

from protocol import VERSION, codec
from protocol.accounts import User
from protocol.limits import SIGNALING_BYTES
from protocol.signaling import (
    Answer,
    Authenticate,
    Candidate,
    JoinRoom,
    Offer,
    Ping,
    Pong,
    PresenceChanged,
    Refusal,
    RoomJoined,
    RoomPeer,
    SignalingError,
    SignalPosted,
)
from signaling.tokens import ACCESS_SECONDS

OFFER = Offer(connection="c1", sdp="v=0\r\nприветствие")
POLICY, TOO_BIG, TRY_LATER = 1008, 1009, 1013


async def refusal(peer: Any) -> str:
    answer = await peer.receive()
    assert isinstance(answer, SignalingError), answer
    return answer.code


async def refused_token(vds: Any, token: str, origin: str | None = "http://hearth.test") -> str:
    peer = await vds.socket(origin)
    await peer.send(Authenticate(version=VERSION, token=token))
    code = await refusal(peer)
    assert await peer.closed() == POLICY
    return code


async def test_a_device_and_a_home_find_and_signal_each_other(vds: Any) -> None:
    home = await vds.home(name="Kitchen")
    ann = await vds.person("Ann")
    device = await ann.connect()
    assert device.welcome.role == "device"
    assert [room.home for room in device.welcome.rooms] == ["Kitchen"]
    at_home = RoomPeer(id=home.id, role="home")
    at_ann = RoomPeer(id=device.id, role="device", user=User(**ann.session["user"]))

    assert await device.join() == RoomJoined(room=device.room, peers=[at_home])
    assert await home.receive() == PresenceChanged(room=device.room, peer=at_ann, online=True)
    candidate = Candidate(connection="c1", candidate="candidate:1", sdp_mid="0")
    for signal in (OFFER, candidate):
        await device.post(home.id, signal)
        assert await home.receive() == SignalPosted(room=device.room, sender=at_ann, signal=signal)
    refused = Refusal(connection="c1", code="not_ready", message="Loading.")
    for signal in (Answer(connection="c1", sdp="v=0"), refused):
        await home.post(device.id, signal, room=device.room)
        assert await device.receive() == SignalPosted(
            room=device.room, sender=at_home, signal=signal
        )

    await device.socket.close()
    assert await home.receive() == PresenceChanged(room=device.room, peer=at_ann, online=False)


async def test_a_device_sees_its_home_come_and_go(vds: Any) -> None:
    device = await (await vds.person("Ann")).connect()
    assert await device.join() == RoomJoined(room=device.room, peers=[])
    home = await vds.home()
    came = await device.receive()
    assert came == PresenceChanged(
        room=device.room, peer=RoomPeer(id=home.id, role="home"), online=True
    )
    assert home.welcome.rooms[0].id == device.room
    assert (await home.receive()).peer.id == device.id
    await home.socket.close()
    assert await device.receive() == PresenceChanged(room=device.room, peer=came.peer, online=False)


async def test_two_people_never_hear_each_other(vds: Any) -> None:
    home = await vds.home()
    ann, bob = [await (await vds.person(name)).connect() for name in ("Ann", "Bob")]
    assert ann.room != bob.room
    for device in (ann, bob):
        await device.join()
        await home.receive()
    for room in (ann.room, "nowhere"):
        await bob.send(JoinRoom(room=room))
        assert await refusal(bob) == "room_unknown"
        await bob.post(ann.id, OFFER, room=room)
        assert await refusal(bob) == "room_unknown"
        await bob.post(home.id, OFFER, room=room)
        assert await refusal(bob) == "room_unknown"
    await bob.post(ann.id, OFFER)
    assert await refusal(bob) == "peer_unreachable"
    await home.post(ann.id, OFFER, room=bob.room)
    assert await refusal(home) == "peer_unreachable"
    await home.post(ann.id, OFFER, room=ann.room)
    assert isinstance(await ann.receive(), SignalPosted)
    await bob.quiet()
    await ann.quiet()
    await home.quiet()


async def test_a_room_must_be_entered_first(vds: Any) -> None:
    home = await vds.home()
    device = await (await vds.person("Ann")).connect()
    await device.post(home.id, OFFER)
    assert await refusal(device) == "room_unknown"
    await home.quiet()


async def test_the_newest_instance_of_a_home_wins(vds: Any) -> None:
    older = await vds.home()
    newer = await vds.home()
    assert await refusal(older) == "replaced"
    assert await older.closed() == POLICY
    await newer.quiet()
    assert (await (await vds.get("/readyz")).json())["homes"] == 1


async def test_two_homes_each_have_their_room(start: Any, home_keys: Any) -> None:
    from base64 import urlsafe_b64encode

    both = ",".join(urlsafe_b64encode(key.raw).decode() for key in home_keys)
    vds = await start(home_keys=both)
    homes = [await vds.home(0, "Kitchen"), await vds.home(1, "Attic")]
    device = await (await vds.person("Ann")).connect()
    rooms = {room.home: room.id for room in device.welcome.rooms}
    assert set(rooms) == {"Kitchen", "Attic"}
    assert (await device.join(rooms["Attic"])).peers[0].id == homes[1].id
    await homes[0].quiet()


# who gets in


async def test_a_forged_or_expired_token_does_not_get_in(vds: Any) -> None:
    ann = await vds.person("Ann")
    header, payload, signature = ann.token.split(".")
    claims = jwt.decode(ann.token, options={"verify_signature": False})
    key = vds.homes[0].key
    kid = jwt.get_unverified_header(ann.token)["kid"]
    headers = {"typ": "at+jwt", "kid": kid}
    assert await refused_token(vds, "nonsense") == "token_invalid"
    assert await refused_token(vds, f"{header}.{payload}.") == "token_invalid"
    assert await refused_token(vds, f"{header}.{payload}.{signature[::-1]}") == "token_invalid"
    assert (
        await refused_token(vds, jwt.encode(claims, key, "EdDSA", headers=headers))
        == "token_invalid"
    )
    none = jwt.encode(claims, None, "none", headers=headers)
    assert await refused_token(vds, none) == "token_invalid"
    jku = jwt.encode(claims, key, "EdDSA", headers={**headers, "jku": "https://evil.example"})
    assert await refused_token(vds, jku) == "token_invalid"
    (published,) = (await (await vds.get("/.well-known/jwks.json")).json())["keys"]
    swapped = jwt.encode(claims, published["x"], "HS256", headers=headers)
    assert await refused_token(vds, swapped) == "token_invalid"
    vds.time.pass_by(ACCESS_SECONDS)
    assert await refused_token(vds, ann.token) == "token_expired"


async def test_a_homes_assertion_is_used_once_and_only_by_an_admitted_home(vds: Any) -> None:
    assertion = vds.homes[0].assertion(vds.time.wall)
    await (await vds.socket(None)).authenticate(assertion)
    assert await refused_token(vds, assertion, None) == "token_invalid"
    assert await refused_token(vds, vds.homes[1].assertion(vds.time.wall), None) == "token_invalid"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://hearth.test.evil.example"]
)
async def test_another_page_does_not_even_open_a_socket(vds: Any, origin: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await vds.socket(origin)
    assert refused.value.status == 403


async def test_without_an_origin_only_a_home_gets_in(vds: Any) -> None:
    ann = await vds.person("Ann")
    assert await refused_token(vds, ann.token, None) == "origin_refused"


async def test_without_an_upgrade_it_is_a_malformed_request(vds: Any) -> None:
    response = await vds.get("/api/signaling", Origin="http://hearth.test")
    assert (response.status, (await response.json())["code"]) == (400, "malformed")


@pytest.mark.parametrize("first", [Ping(), JoinRoom(room="r")])
async def test_the_first_message_authenticates(vds: Any, first: Any) -> None:
    peer = await vds.socket()
    await peer.send(first)
    assert await refusal(peer) == "not_authenticated"
    assert await peer.closed() == POLICY


async def test_silence_is_not_waited_for(start: Any) -> None:
    vds = await start(authenticate_within_s=0.01)
    peer = await vds.socket()
    assert await refusal(peer) == "not_authenticated"
    assert await peer.closed() == POLICY


async def test_another_version_is_told_to_update(vds: Any) -> None:
    peer = await vds.socket()
    await peer.send(Authenticate(version=VERSION + 1, token="t"))
    assert await refusal(peer) == "unsupported_version"


async def test_authenticating_again_changes_nothing(vds: Any) -> None:
    ann = await vds.person("Ann")
    peer = await ann.connect()
    await peer.send(Authenticate(version=VERSION, token=ann.token))
    assert await refusal(peer) == "malformed"
    await peer.quiet()


# who is thrown out


async def test_logging_out_closes_the_sessions_sockets_and_no_other(vds: Any) -> None:
    ann = await vds.person("Ann")
    here, there = await ann.connect(), await ann.connect()
    other = await vds.log_in("Ann", "correct horse battery")
    elsewhere = await vds.socket()
    await elsewhere.authenticate((await other.json())["access_token"])
    await vds.log_out(ann.cookie)
    for peer in (here, there):
        assert await refusal(peer) == "session_revoked"
        assert await peer.closed() == POLICY
    await elsewhere.quiet()
    assert await refused_token(vds, ann.token) == "session_revoked"


async def test_reuse_of_a_refresh_token_closes_the_sessions_sockets(vds: Any) -> None:
    ann = await vds.person("Ann")
    peer, stolen = await ann.connect(), ann.cookie
    await ann.refresh()
    await ann.refresh()
    await peer.quiet()
    await ann.refresh(stolen)
    assert await refusal(peer) == "session_revoked"


async def test_an_account_holds_so_many_sockets(start: Any) -> None:
    vds = await start(limit_sockets_per_account=2)
    ann = await vds.person("Ann")
    first, _second = await ann.connect(), await ann.connect()
    third = await vds.socket()
    await third.send(Authenticate(version=VERSION, token=ann.token))
    assert await refusal(third) == "too_many_connections"
    assert await third.closed() == TRY_LATER
    await (await vds.person("Bob")).connect()
    await first.socket.close()
    await ann.connect()


async def test_a_session_holds_so_many_sockets(start: Any) -> None:
    vds = await start(limit_sockets_per_session=2, limit_sockets_per_account=3)
    ann = await vds.person("Ann")
    first, _second = await ann.connect(), await ann.connect()
    for _ in range(3):  # a refused one holds nothing of the account either
        third = await vds.socket()
        await third.send(Authenticate(version=VERSION, token=ann.token))
        assert await refusal(third) == "too_many_connections"
    other = await vds.log_in("Ann", "correct horse battery")
    elsewhere = await vds.socket()
    await elsewhere.authenticate((await other.json())["access_token"])
    await first.socket.close()
    await ann.connect()


async def test_an_address_holds_so_many_sockets(start: Any) -> None:
    vds = await start(limit_sockets_per_address=2)
    first, _second = await vds.socket(), await vds.socket()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await vds.socket()
    assert refused.value.status == 429
    await first.socket.close()
    await vds.socket()


async def test_too_many_messages_are_refused_and_then_end_the_socket(start: Any) -> None:
    vds = await start(limit_message_burst=3, limit_messages_per_s=1)
    peer = await (await vds.person("Ann")).connect()
    for _ in range(3):
        await peer.quiet()
    await peer.send(Ping())
    assert await refusal(peer) == "rate_limited"
    vds.time.pass_by(1)
    await peer.quiet()
    for _ in range(4):
        await peer.send(Ping())
    assert [await refusal(peer) for _ in range(4)] == ["rate_limited"] * 4
    assert await peer.closed() == POLICY


# bad input

MALFORMED = [
    "",
    "{",
    "null",
    "[]",
    '"ping"',
    "{}",
    '{"type":7}',
    '{"type":"join_room"}',
    '{"type":"join_room","room":7}',
    '{"type":"join_room","room":""}',
    '{"type":"post_signal","room":"r","to":"p","signal":{"type":"nonsense"}}',
    json.dumps(
        {
            "type": "post_signal",
            "room": "r",
            "to": "p",
            "signal": {"type": "offer", "connection": "c", "sdp": "x" * 16_385},
        }
    ),
    "[" * 5_000,
]


@pytest.mark.parametrize("text", MALFORMED)
async def test_malformed_text_is_answered_and_survived(vds: Any, text: str) -> None:
    peer = await (await vds.person("Ann")).connect()
    await peer.socket.send_str(text)
    assert await refusal(peer) == "malformed"
    await peer.quiet()


async def test_binary_and_invalid_utf8_are_malformed(vds: Any) -> None:
    peer = await (await vds.person("Ann")).connect()
    await peer.socket.send_bytes(codec.encode(Ping()))
    assert await refusal(peer) == "malformed"
    await peer.socket.send_frame(b'{"type":"ping\xff"}', aiohttp.WSMsgType.TEXT)
    assert await refusal(peer) == "malformed"
    await peer.quiet()


async def test_an_unknown_type_is_answered_as_such(vds: Any) -> None:
    peer = await (await vds.person("Ann")).connect()
    for _ in range(15):
        await peer.socket.send_str('{"type":"teleport"}')
        assert await refusal(peer) == "unknown_type"
    await peer.quiet()


async def test_unknown_keys_are_ignored(vds: Any) -> None:
    peer = await (await vds.person("Ann")).connect()
    await peer.socket.send_str('{"type":"ping","mood":"good"}')
    assert await peer.receive() == Pong()


async def test_ten_malformed_messages_end_the_socket(vds: Any) -> None:
    peer = await (await vds.person("Ann")).connect()
    for _ in range(10):
        await peer.socket.send_str("{")
    assert [await refusal(peer) for _ in range(10)] == ["malformed"] * 10
    assert await peer.closed() == POLICY


async def test_a_message_at_the_limit_passes_and_beyond_it_ends_the_socket(vds: Any) -> None:
    ann = await vds.person("Ann")
    peer = await ann.connect()
    ping = codec.encode(Ping()).decode()
    await peer.socket.send_str(ping + " " * (SIGNALING_BYTES - len(ping)))
    assert await peer.receive() == Pong()
    for size in (SIGNALING_BYTES + 1, 1_000_000):
        peer = await ann.connect()
        await peer.socket.send_str("x" * size)
        assert await refusal(peer) == "too_large"
        assert await peer.closed() == TOO_BIG


async def test_before_authentication_too_bad_input_is_answered(vds: Any) -> None:
    for text, code in (
        ("{", "malformed"),
        ('{"type":"x"}', "unknown_type"),
        ("x" * 1_000_000, "too_large"),
    ):
        peer = await vds.socket()
        await peer.socket.send_str(text)
        assert await refusal(peer) == code


async def test_nothing_is_left_of_a_socket_that_was_cut(vds: Any) -> None:
    from signaling.app import ROOMS

    home = await vds.home()
    device = await (await vds.person("Ann")).connect()
    await device.join()
    await home.receive()
    device.socket.get_extra_info("socket")
    device.socket._response.connection.transport.abort()
    gone = await home.receive()
    assert (gone.peer.id, gone.online) == (device.id, False)
    assert vds.server.app[ROOMS].devices_online == 0


async def test_a_stopping_server_says_so(vds: Any) -> None:
    home = await vds.home()
    closing = asyncio.create_task(vds.server.close())
    assert await home.closed() == aiohttp.WSCloseCode.GOING_AWAY
    await closing
