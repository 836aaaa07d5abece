"""Who gets credentials for the relay."""

import base64
import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest

from protocol import codec
from protocol.signaling import SignalingError, VouchForRoom
from signaling.relay import VOUCHED_S

STUN = ["stun:relay.example:3478"]
TURN = [
    "turn:relay.example:3478?transport=udp",
    "turn:relay.example:3478?transport=tcp",
]
SECRET = bytes(range(32))


@pytest.fixture
async def vds(start: Any, tmp_path: Path) -> Any:
    file = tmp_path / "secret"
    file.write_bytes(base64.urlsafe_b64encode(SECRET).rstrip(b"="))
    return await start(turn_name="relay.example", turn_secret_file=file)


async def ask(vds: Any, token: str) -> Any:
    response = await vds.get("/api/relay", Authorization=f"Bearer {token}")
    assert response.headers["Cache-Control"] == "no-store"
    return await response.json()


async def vouch(vds: Any, peer: Any, room: str) -> None:
    await peer.send(VouchForRoom(room=room))
    await peer.quiet()


def check(access: Any, user: str, until: float) -> None:
    assert access["stun"] == STUN
    assert access["turn"] == TURN
    assert access["username"] == f"{int(until)}:{user}"
    text = base64.urlsafe_b64encode(SECRET).rstrip(b"=")  # as coturn is told it
    digest = hmac.new(text, access["username"].encode(), hashlib.sha1).digest()
    assert base64.b64decode(access["credential"]) == digest


async def test_an_account_alone_gets_no_credentials(vds: Any) -> None:
    access = await ask(vds, (await vds.person("Ann")).token)
    assert access == {
        "stun": STUN,
        "turn": [],
        "username": None,
        "credential": None,
        "expires_in_s": 600,
    }


async def test_a_person_gets_some_for_a_year_after_their_home_vouched(vds: Any) -> None:
    home, ann, bob = await vds.home(), await vds.person("Ann"), await vds.person("Bob")
    device = await ann.connect()
    await vouch(vds, home, device.room)
    access = await ask(vds, ann.token)
    check(access, ann.session["user"]["id"], vds.time.wall + 600)
    assert (await ask(vds, bob.token))["turn"] == []
    vds.time.pass_by(VOUCHED_S - 60)
    again = await (await vds.log_in("Ann", "correct horse battery")).json()
    assert (await ask(vds, again["access_token"]))["turn"] == TURN
    vds.time.pass_by(60)
    assert (await ask(vds, again["access_token"]))["turn"] == []


async def test_nobody_vouches_but_the_rooms_own_home(start: Any, home_keys: Any) -> None:
    both = ",".join(base64.urlsafe_b64encode(key.raw).decode() for key in home_keys)
    vds = await start(home_keys=both, turn_name="relay.example")
    await vds.home(0, "Kitchen")
    attic, ann = await vds.home(1, "Attic"), await vds.person("Ann")
    device = await ann.connect()
    kitchens = next(room.id for room in device.welcome.rooms if room.home == "Kitchen")
    for peer in (device, attic):
        await peer.send(VouchForRoom(room=kitchens))
        answer = await peer.receive()
        assert isinstance(answer, SignalingError)
        assert answer.code == "room_unknown"
    assert (await ask(vds, ann.token))["turn"] == []


async def test_the_word_of_a_home_that_is_admitted_no_more_does_not_count(
    start: Any, home_keys: Any
) -> None:
    vds = await start(turn_name="relay.example")
    home, ann = await vds.home(), await vds.person("Ann")
    await vouch(vds, home, (await ann.connect()).room)
    await vds.server.close()
    other = base64.urlsafe_b64encode(home_keys[1].raw).decode()
    later = await start(turn_name="relay.example", home_keys=other)
    assert (await ask(later, ann.token))["turn"] == []


async def test_a_home_gets_some_by_an_assertion_that_is_used_once(vds: Any) -> None:
    assertion = vds.homes[0].assertion(vds.time.wall)
    check(await ask(vds, assertion), f"home:{vds.homes[0].id}", vds.time.wall + 600)
    assert (await ask(vds, assertion))["code"] == "token_invalid"
    on_socket = await vds.socket(None)
    with pytest.raises(AssertionError, match="token_invalid"):
        await on_socket.authenticate(assertion)
    stranger = vds.homes[1].assertion(vds.time.wall)
    assert (await ask(vds, stranger))["code"] == "token_invalid"


async def test_a_session_that_ended_gets_none(vds: Any) -> None:
    ann = await vds.person("Ann")
    await vds.log_out(ann.cookie)
    assert (await ask(vds, ann.token))["code"] == "session_revoked"
    assert (await ask(vds, ""))["code"] == "not_logged_in"


async def test_a_home_and_a_session_ask_so_often(start: Any) -> None:
    vds = await start(limit_requests_per_session=2)
    ann = await vds.person("Ann")
    for token in (lambda: ann.token, lambda: vds.homes[0].assertion(vds.time.wall)):
        codes = [(await ask(vds, token())).get("code") for _ in range(3)]
        assert codes == [None, None, "rate_limited"]


async def test_without_a_relay_there_is_nothing_and_no_secret(vds: Any, start: Any) -> None:
    bare = await start()
    access = codec.Decoder(dict).decode(
        await (
            await bare.get(
                "/api/relay", Authorization=f"Bearer {bare.homes[0].assertion(bare.time.wall)}"
            )
        ).read()
    )
    assert (access["stun"], access["turn"], access["credential"]) == ([], [], None)
    assert not (bare.settings.data / "turn").exists()


@pytest.mark.parametrize(
    ("name", "written"), [("2001:db8::1", "[2001:db8::1]"), ("192.0.2.1", "192.0.2.1")]
)
async def test_an_address_and_tls_are_written_as_they_must_be(
    start: Any, name: str, written: str
) -> None:
    vds = await start(
        turn_name=name, turn_port=3479, turn_tls_port=443, turn_certificate="/etc/relay.pem"
    )
    access = await ask(vds, vds.homes[0].assertion(vds.time.wall))
    assert access["stun"] == [f"stun:{written}:3479"]
    assert access["turn"] == [
        f"turn:{written}:3479?transport=udp",
        f"turn:{written}:3479?transport=tcp",
        f"turns:{written}:443?transport=tcp",
    ]
