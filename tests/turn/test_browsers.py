"""What Chromium 156 sent to the relay, said again: recorded with capture.py."""

import json
from pathlib import Path
from typing import Any

import pytest

from protocol import stun
from protocol.stun import Address, Class, Method
from tests.turn.caller import SECRET, Caller, code, make_relay
from tests.turn.capture import HOST, NONCE_KEY
from turn import channel_data
from turn.allocations import Allocations
from turn.limits import Limits
from turn.nonces import Nonces
from turn.relay import Relay

RECORDED: list[dict[str, Any]] = json.loads((Path(__file__).parent / "chromium.json").read_text())


def test_every_recorded_datagram_is_read_and_its_integrity_is_good() -> None:
    for line in RECORDED:
        data = bytes.fromhex(line["hex"])
        if channel_data.parse(data):
            continue
        message = stun.parse(data)
        assert message.unknown == ()
        username = message.get(stun.USERNAME)
        if username is not None:
            expires = int(username.partition(":")[0])
            browser = Caller(make_relay(), user="browser", expires=expires)
            assert message.integrity_ok(browser.key)


def test_a_recorded_conversation_has_the_same_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both browsers get allocations, permit each other, and their packets reach the other end."""
    ports = list(dict.fromkeys(line["relayed"] for line in RECORDED if "relayed" in line))
    addresses = iter([(HOST, port) for port in ports])

    def recorded_address(_self: Allocations, _family: int, **_options: bool) -> Address:
        return next(addresses)

    monkeypatch.setattr(Allocations, "free_address", recorded_address)
    relay = Relay(
        SECRET,
        {stun.IPV4: HOST},
        Limits(9, 9, 1e9, 1e9, 1e9),
        RECORDED[0]["now"],
        Nonces(NONCE_KEY),
    )
    callers = {line["from"]: Caller(relay, address=(HOST, line["from"])) for line in RECORDED}
    codes = []
    relayed = 0
    for line in RECORDED:
        data = bytes.fromhex(line["hex"])
        caller = callers[line["from"]]
        caller.now, caller.wall = line["now"], line["wall"]
        caller.say(data)
        for answer in caller.got():
            message = stun.parse(answer) if stun.looks_like(answer) else None
            if message is not None and message.cls in (Class.SUCCESS, Class.ERROR):
                codes.append((Method(message.method).name, code(message)))
        relayed += sum(len(other.got()) for other in callers.values())
    assert {code for _, code in codes} == {None, 401}
    succeeded = {method for method, code in codes if code is None}
    assert succeeded == {"BINDING", "ALLOCATE", "CREATE_PERMISSION", "CHANNEL_BIND", "REFRESH"}
    assert relayed > 10
    assert relayed == relay.tally.packets
    assert not relay.allocations.of
