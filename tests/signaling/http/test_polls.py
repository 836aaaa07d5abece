"""Sitting at the signaling server without a WebSocket: as on one, and over lossy requests."""

import asyncio
import json
from typing import Any

import pytest
import structlog

from protocol import VERSION, codec
from protocol.limits import SIGNALING_BYTES
from protocol.signaling import (
    Authenticate,
    Offer,
    Ping,
    Pong,
    PresenceChanged,
    RoomJoined,
    RoomPeer,
    SignalingError,
    SignalPosted,
)
from signaling.app import METRICS, ROOMS
from tests.signaling.polls import PollPeer, poll_of

OFFER = Offer(connection="c1", sdp="v=0\r\nприветствие")
PING = codec.encode(Ping())
GONE = 404


async def seat(vds: Any, token: str, origin: str | None = "http://hearth.test") -> PollPeer:
    peer = poll_of(vds, origin)
    await peer.authenticate(token)
    return peer


async def home_of(vds: Any, index: int = 0) -> PollPeer:
    return await seat(vds, vds.homes[index].assertion(vds.time.wall), None)


async def code(response: Any) -> str:
    return str((await response.json())["code"])


async def refusal(peer: Any) -> str:
    answer = await peer.receive()
    assert isinstance(answer, SignalingError), answer
    return answer.code


async def test_a_device_and_a_home_that_poll_find_and_signal_each_other(vds: Any) -> None:
    home, ann = await home_of(vds), await vds.person("Ann")
    device = await seat(vds, ann.token)
    joined = await device.join()
    assert joined == RoomJoined(room=device.room, peers=[RoomPeer(id=home.id, role="home")])
    assert (await home.receive()).peer.id == device.id
    await device.post(home.id, OFFER)
    posted = await home.receive()
    assert isinstance(posted, SignalPosted)
    assert (posted.signal, posted.sender.id) == (OFFER, device.id)
    await vds.post(device.path, method="DELETE")
    gone = await home.receive()
    assert isinstance(gone, PresenceChanged)
    assert (gone.peer.id, gone.online) == (device.id, False)
    assert await device.closed() == GONE


async def test_who_polls_and_who_has_a_socket_are_in_the_same_rooms(vds: Any) -> None:
    home = await vds.home()
    device = await seat(vds, (await vds.person("Ann")).token)
    await device.join()
    await home.receive()
    await home.post(device.id, OFFER, room=device.room)
    assert (await device.receive()).signal == OFFER


async def test_a_waiting_request_is_answered_when_something_comes(vds: Any) -> None:
    device = await seat(vds, (await vds.person("Ann")).token)
    await device.join()
    waiting = asyncio.create_task(device.receive())
    home = await vds.home()
    assert (await waiting).peer.id == home.id


async def test_a_repeated_post_is_taken_once_and_a_lost_answer_is_given_again(vds: Any) -> None:
    home = await vds.home()
    device = await seat(vds, (await vds.person("Ann")).token)
    await device.join()
    await home.receive()
    for _ in range(3):
        assert await device.post_all(PING, PING, after=1) == 204
    batch = await (await device.ask()).json()
    assert batch["messages"] == [{"type": "pong"}] * 2
    assert await (await device.ask()).json() == batch
    assert await device.post_all(PING, after=9) == 400
    assert await device.post_all(PING) == 204


async def test_with_nothing_to_say_the_answer_is_empty_after_a_while(start: Any) -> None:
    vds = await start(poll_wait_s=0.01)
    device = await seat(vds, (await vds.person("Ann")).token)
    assert await (await device.ask()).json() == {"next": 1, "messages": []}


async def test_who_asks_no_more_is_gone(start: Any) -> None:
    vds = await start(poll_wait_s=0.0, limit_sockets_per_address=2)
    home = await vds.home()
    device = await seat(vds, (await vds.person("Ann")).token)
    await device.join()
    assert (await home.receive()).online
    vds.settings.__dict__["poll_lost_s"] = 0.0  # from the next time it asks
    await device.ask()
    assert not (await home.receive()).online
    assert vds.server.app[ROOMS].devices_online == 0
    assert (await device.ask()).status == GONE
    assert await device.post_all(PING) == GONE
    await vds.socket()  # and its address has room again


# who gets in, and who is thrown out


@pytest.mark.parametrize("token", ["nonsense", ""])
async def test_who_is_not_known_gets_no_poll(vds: Any, token: str) -> None:
    peer = poll_of(vds)
    response = await peer.open(json.dumps({"type": "authenticate", "version": 1, "token": token}))
    assert response.status in (400, 401)
    for body, expected in ((PING, "not_authenticated"), (b"{", "malformed")):
        assert await code(await peer.open(body)) == expected
    wrong = Authenticate(version=VERSION + 1, token="t")
    assert await code(await peer.open(wrong)) == "unsupported_version"


async def test_a_strangers_id_opens_nothing(vds: Any) -> None:
    device = await seat(vds, (await vds.person("Ann")).token)
    stranger = poll_of(vds)
    for guess in ("x" * 43, device.id, device.poll[:-1], device.poll.swapcase()):
        stranger.poll = guess
        assert (await stranger.ask(0)).status == GONE
        assert await stranger.post_all(PING) == GONE
        await vds.post(stranger.path, method="DELETE")
    await device.quiet()


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_another_page_does_nothing_here(vds: Any, origin: str) -> None:
    ann = await vds.person("Ann")
    peer = poll_of(vds, origin)
    first = Authenticate(version=VERSION, token=ann.token)
    assert await code(await peer.open(first)) == "origin_refused"
    device = await seat(vds, ann.token)
    for response in (
        await vds.get(f"{device.path}?after=0", Origin=origin),
        await vds.post(f"{device.path}/messages", b"[]", origin=origin),
        await vds.post(device.path, method="DELETE", origin=origin),
    ):
        assert await code(response) == "origin_refused"
    await device.quiet()


async def test_without_an_origin_only_a_home_gets_in(vds: Any) -> None:
    first = Authenticate(version=VERSION, token=(await vds.person("Ann")).token)
    assert await code(await poll_of(vds, None).open(first)) == "origin_refused"
    home = await home_of(vds)
    await home.quiet()


async def test_an_assertion_is_used_once_on_whatever_road(vds: Any) -> None:
    assertion = vds.homes[0].assertion(vds.time.wall)
    await seat(vds, assertion, None)
    again = await poll_of(vds, None).open(Authenticate(version=VERSION, token=assertion))
    assert await code(again) == "token_invalid"


async def test_logging_out_ends_the_sessions_polls(vds: Any) -> None:
    ann = await vds.person("Ann")
    device = await seat(vds, ann.token)
    waiting = asyncio.create_task(refusal(device))
    await vds.log_out(ann.cookie)
    assert await waiting == "session_revoked"
    assert await device.post_all(PING, after=0) == GONE
    assert await device.closed() == GONE
    assert vds.server.app[ROOMS].devices_online == 0


async def test_the_newest_instance_of_a_home_wins(vds: Any) -> None:
    older = await home_of(vds)
    newer = await vds.home()
    assert await refusal(older) == "replaced"
    assert await older.closed() == GONE
    assert (await (await vds.get("/readyz")).json())["homes"] == 1
    await home_of(vds)
    assert await refusal(newer) == "replaced"


async def test_a_poll_counts_as_a_socket_of_its_session_and_its_address(start: Any) -> None:
    vds = await start(limit_sockets_per_session=1, limit_sockets_per_address=2)
    ann = await vds.person("Ann")
    device = await seat(vds, ann.token)
    second = await poll_of(vds).open(Authenticate(version=VERSION, token=ann.token))
    assert await code(second) == "too_many_connections"
    await vds.socket()
    third = await poll_of(vds, None).open(Authenticate(version=VERSION, token="t"))
    assert (third.status, await code(third)) == (429, "too_many_connections")
    await vds.post(device.path, method="DELETE")
    await vds.post(device.path, method="DELETE")
    await seat(vds, ann.token)


async def test_too_many_messages_are_refused_and_then_end_the_poll(start: Any) -> None:
    vds = await start(limit_message_burst=3, limit_messages_per_s=1)
    device = await seat(vds, (await vds.person("Ann")).token)
    assert await device.post_all(*[PING] * 7) == 204
    codes = [m.get("code") for m in (await (await device.ask()).json())["messages"]]
    assert codes == [None] * 3 + ["rate_limited"] * 4
    device.after += 7
    assert await device.closed() == GONE


async def test_asking_without_end_has_to_wait(start: Any) -> None:
    vds = await start(limit_message_burst=3, poll_wait_s=0.0)
    device = await seat(vds, (await vds.person("Ann")).token)
    statuses = [(await device.ask()).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    vds.time.pass_by(1)
    assert (await device.ask()).status == 200


async def test_who_does_not_acknowledge_is_cut_off(start: Any) -> None:
    vds = await start(limit_send_queue=4)
    device = await seat(vds, (await vds.person("Ann")).token)
    assert await device.post_all(*[PING] * 3) == 204  # after the welcome
    assert (await device.ask(0)).status == 200
    assert await device.post_all(PING) == 204
    assert (await device.ask(0)).status == GONE


# bad input


@pytest.mark.parametrize("text", [b"{}", b"null", b"[]", b'{"type":"join_room"}', b'"ping"'])
async def test_a_malformed_message_is_answered_and_survived(vds: Any, text: bytes) -> None:
    device = await seat(vds, (await vds.person("Ann")).token)
    assert await device.post_all(text, after=0) == 204
    assert await refusal(device) == "malformed"
    device.sent = 1
    await device.quiet()


async def test_ten_malformed_messages_end_the_poll(vds: Any) -> None:
    device = await seat(vds, (await vds.person("Ann")).token)
    await device.post_all(*[b"7"] * 10)
    assert [await refusal(device) for _ in range(10)] == ["malformed"] * 10
    assert await device.closed() == GONE


@pytest.mark.parametrize("body", [b"", b"{", b"{}", b"7", b"[" * 5_000, b"\xff"])
async def test_a_body_that_is_no_list_is_refused(vds: Any, body: bytes) -> None:
    device = await seat(vds, (await vds.person("Ann")).token)
    response = await vds.post(f"{device.path}/messages", body)
    assert (response.status, await code(response)) == (400, "malformed")
    await device.quiet()


@pytest.mark.parametrize("number", ["x", "-1", "1.5", "٣", "9" * 30, ""])
async def test_a_number_that_is_none_is_refused(vds: Any, number: str) -> None:
    device = await seat(vds, (await vds.person("Ann")).token)
    assert (await vds.get(f"{device.path}?after={number}")).status == 400
    assert (await vds.post(f"{device.path}/messages?after={number}", b"[]")).status == 400


async def test_a_message_at_the_limit_passes_and_beyond_it_ends_the_poll(vds: Any) -> None:
    ann = await vds.person("Ann")
    device = await seat(vds, ann.token)
    padded = b'{"type":"ping","pad":"%s"}'
    fits = padded % (b"x" * (SIGNALING_BYTES - len(padded) + 2))
    assert await device.post_all(fits) == 204
    assert await device.receive() == Pong()
    assert await device.post_all(fits.replace(b"xx", b"xxx", 1)) == 204
    assert await refusal(device) == "too_large"
    assert await device.closed() == GONE
    response = await vds.post("/api/signaling/poll", b"x" * (SIGNALING_BYTES + 1))
    assert response.status == 413
    other = await seat(vds, ann.token)
    assert await other.post_all(b'"%s"' % (b"x" * 5 * SIGNALING_BYTES)) == 413


async def test_no_log_and_no_figure_has_the_id(vds: Any, monkeypatch: Any) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("signaling.hub.Hub._handle", broken)
    with structlog.testing.capture_logs() as logs:
        device = await seat(vds, (await vds.person("Ann")).token)
        await device.post_all(PING)
        assert await refusal(device) == "internal"
        await device.closed()
        await vds.post(device.path, method="DELETE")
    heard = json.dumps(logs) + vds.server.app[METRICS].render().decode()
    assert device.poll not in heard
    assert "connection_failed" in heard
    assert "/api/signaling/poll/{poll}" in heard


async def test_a_stopping_server_ends_the_polls(vds: Any) -> None:
    device = await seat(vds, (await vds.person("Ann")).token)
    asking = {asyncio.create_task(device.ask()) for _ in range(2)}
    # The server answers one of them at once, since the other came.
    answered, (waiting,) = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    assert [(await one).status for one in answered] == [200]
    closing = asyncio.create_task(vds.server.close())
    assert (await waiting).status == GONE
    await closing
