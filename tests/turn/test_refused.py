"""The relay is closed: what it may not reach, asked of ours and of coturn as we configure it."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import Iterator

import pytest

from protocol import stun
from protocol.roads import turn_password
from tests.turn.caller import SECRET, Caller, code, free_port, make_relay
from tests.turn.conftest import Running, credentials
from tests.turn.refused import FORBIDDEN, PORTS, REFUSED_V4, REFUSED_V6, WireClient
from turn import coturn
from turn.config import Settings
from vds import relay_secret


@pytest.mark.parametrize("host", REFUSED_V4 + REFUSED_V6)
@pytest.mark.parametrize("family", [stun.IPV4, stun.IPV6])
@pytest.mark.parametrize("mapped", [{}, {stun.IPV4: "127.0.0.1", stun.IPV6: "::1"}])
def test_no_peer_but_an_allocation(host: str, family: int, mapped: dict[int, str]) -> None:
    """Also on a relay whose own addresses are loopback, where only its allocations are peers."""
    relay = make_relay(mapped) if mapped else make_relay()
    anna = Caller(relay)
    anna.allocate(stun.REQUESTED_ADDRESS_FAMILY.of(family))
    for port in PORTS:
        assert code(anna.permit((host, port))) in FORBIDDEN
        assert code(anna.bind(0x4000, (host, port))) in FORBIDDEN
        anna.indicate((host, port), b"data")
    assert anna.got() == []
    assert anna.allocation is not None
    assert not anna.allocation.permissions
    assert not anna.allocation.channels


def test_an_allocation_of_a_second_relay_is_no_peer() -> None:
    anna = Caller(make_relay())
    anna.allocate()
    theirs = Caller(make_relay({stun.IPV4: "203.0.113.6"})).allocate()
    assert code(anna.permit(theirs)) == 403


def test_an_allocation_that_ended_is_no_peer() -> None:
    relay = make_relay()
    anna, boris = Caller(relay), Caller(relay, address=("198.51.100.2", 1), user="boris")
    anna.allocate()
    gone = boris.allocate()
    assert code(anna.permit(gone)) is None
    boris.request(stun.Method.REFRESH, stun.LIFETIME.of(0))
    assert code(anna.permit(gone)) == 403


@pytest.mark.parametrize("family", [stun.IPV4, stun.IPV6])
async def test_on_the_wire_too_no_peer_but_an_allocation(running: Running, family: int) -> None:
    server = ("127.0.0.1", running.settings.turn_port)
    assert await asyncio.to_thread(_reached, server, family) == []


@pytest.fixture(scope="module")
def coturn_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stun.Address]:
    """Run Debian's coturn with the configuration that we print."""
    program = shutil.which("turnserver")
    if program is None:
        pytest.skip("coturn is not installed: apt-get install coturn")
    folder = tmp_path_factory.mktemp("coturn")
    (folder / "secret").write_text(relay_secret.in_text(SECRET))
    port = free_port()
    settings = Settings(
        _env_file=None,
        turn_name="relay.test",
        turn_host="127.0.0.1,::1",
        turn_addresses="198.51.100.5",
        turn_port=port,
        turn_secret_file=folder / "secret",
    )
    file = folder / "coturn.conf"
    beside = f"pidfile={folder / 'pid'}\nuserdb={folder / 'users.sqlite'}\nlog-file=stdout\n"
    file.write_text(coturn.render(settings) + beside)
    with (
        (folder / "output").open("wb") as output,
        subprocess.Popen([program, "-c", str(file)], stdout=output, stderr=output) as process,
    ):
        try:
            _wait_for_binding(("127.0.0.1", port))
            assert b"Bad configuration" not in (folder / "output").read_bytes()
            yield "127.0.0.1", port
        finally:
            process.terminate()


@pytest.mark.parametrize("family", [stun.IPV4, stun.IPV6])
def test_coturn_with_our_configuration_reaches_none_either(
    coturn_server: stun.Address, family: int
) -> None:
    """Of IPv6 the list has ::ffff:127.0.0.1, which coturn 4.6.1 would reach: CVE-2026-27624."""
    assert _reached(coturn_server, family) == []


def test_coturn_takes_credentials_of_signaling_and_reaches_itself(
    coturn_server: stun.Address,
) -> None:
    username, password = credentials()
    with WireClient(coturn_server, username, password) as client:
        relayed = client.allocate(stun.IPV4)
        assert relayed[0] == "198.51.100.5"
        assert client.realm == "hearth"
        assert client.reaches(relayed) == ["permission", "channel"]
    with WireClient(coturn_server, username, turn_password(b"?" * 32, username)) as client:
        refused = client.request(stun.Method.ALLOCATE, stun.REQUESTED_TRANSPORT.of(17))
        assert code(refused) == 401


def _reached(server: stun.Address, family: int) -> list[tuple[str, str]]:
    hosts = REFUSED_V4 if family == stun.IPV4 else REFUSED_V6
    open_ways = []
    with WireClient(server, *credentials()) as client:
        client.allocate(family)
        for host in hosts:
            open_ways += [(host, way) for way in client.reaches((host, 9))]
    return open_ways


def _wait_for_binding(server: stun.Address) -> None:
    """Ask until it answers; each unanswered question waits a moment by itself."""
    request = stun.build(stun.Method.BINDING, stun.Class.REQUEST, bytes(12))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.2)
        for _ in range(100):
            probe.sendto(request, server)
            try:
                probe.recv(2048)
            except (TimeoutError, ConnectionError):
                continue
            return
    raise AssertionError("coturn did not start")
