"""The server on 127.0.0.1: who may speak with it, what it says, and what it leaves behind."""

import asyncio
import json
import logging
import os
import socket
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog

from gpu_peer.config import Config
from gpu_peer.local.control import Send
from gpu_peer.uuid7 import uuid7
from protocol import codec
from protocol.household import Household, OpenInvitation, Reply, Request, WatchHousehold
from tests.gpu_peer.local.house import ASSERTION, HOME, PHONE, SECRET, House, config

APP = "http://localhost:8080/pair"


@dataclass
class Server:
    house: House
    port: int
    folder: Path
    http: aiohttp.ClientSession

    @property
    def file(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "control.json").read_bytes()))

    async def knock(self, path: str = "/pair", method: str = "GET", **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"http://127.0.0.1:{self.port}{path}"
        return await self.http.request(method, url, headers=named, allow_redirects=False)

    async def control(self, **headers: str) -> aiohttp.ClientWebSocketResponse:
        url = f"http://127.0.0.1:{self.port}/control"
        said = {"Authorization": f"Bearer {self.file['token']}", **headers}
        return await self.http.ws_connect(url, headers=said)


@pytest.fixture
def settings(tmp_path: Path) -> Config:
    (tmp_path / "gpu_peer").mkdir()
    return config(tmp_path)


@pytest.fixture
async def server(settings: Config) -> AsyncIterator[Server]:
    house = House()
    async with (
        house.server(settings) as port,
        aiohttp.ClientSession() as http,
    ):
        yield Server(house, port, settings.folder, http)


async def test_the_first_browser_is_sent_on_with_an_invitation_and_no_other(
    server: Server,
) -> None:
    first = await server.knock()
    assert (first.status, first.headers["Location"]) == (302, f"{APP}#{HOME}.{SECRET}")
    server.house.devices.append(PHONE)
    second = await server.knock()
    assert (second.status, second.headers["Location"]) == (302, APP)


@pytest.mark.parametrize("origin", ["https://hearth.example", "http://192.0.2.1:8080"])
async def test_an_app_from_elsewhere_gets_no_invitation(tmp_path: Path, origin: str) -> None:
    house, settings = House(), config(tmp_path, origin=origin)
    settings.folder.mkdir()
    async with (
        house.server(settings) as port,
        aiohttp.ClientSession() as http,
    ):
        answer = await Server(house, port, settings.folder, http).knock()
        assert answer.headers["Location"] == f"{origin}/pair"


async def test_a_browser_on_the_pc_is_sent_on_with_the_homes_word_for_it(server: Server) -> None:
    answer = await server.knock("/login")
    place = f"http://localhost:8080/login#{ASSERTION}"
    assert (answer.status, answer.headers["Location"]) == (302, place)


@pytest.mark.parametrize("origin", ["https://hearth.example", "http://192.0.2.1:8080"])
async def test_an_app_from_elsewhere_gets_no_word_of_the_home(tmp_path: Path, origin: str) -> None:
    house, settings = House(), config(tmp_path, origin=origin)
    settings.folder.mkdir()
    async with house.server(settings) as port, aiohttp.ClientSession() as http:
        answer = await Server(house, port, settings.folder, http).knock("/login")
        assert answer.headers["Location"] == f"{origin}/login"


async def test_beside_a_vds_the_browsers_of_the_pc_go_to_the_app_of_the_pc(tmp_path: Path) -> None:
    here = "http://localhost:8080"
    settings = config(tmp_path, origin="https://hearth.example", local_signaling=here)
    settings.folder.mkdir()
    house = House()
    async with house.server(settings) as port, aiohttp.ClientSession() as http:
        server = Server(house, port, settings.folder, http)
        paired, logged_in = await server.knock(), await server.knock("/login")
        assert paired.headers["Location"] == f"{here}/pair#{HOME}.{SECRET}"
        assert logged_in.headers["Location"] == f"{here}/login#{ASSERTION}"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8081", "127.0.0.1:1", "[::1]:8081"])
async def test_names_of_this_machine_are_served(server: Server, host: str) -> None:
    assert (await server.knock(Host=host)).status == 302


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "localhost@evil.example", "127.0.0.1.nip.io", ""],
)
@pytest.mark.parametrize("path", ["/pair", "/login", "/channel", "/control", "/"])
async def test_a_name_that_was_made_to_lead_here_is_refused(
    server: Server, host: str, path: str
) -> None:
    answer = await server.knock(path, Host=host)
    assert answer.status == 403
    assert SECRET not in str(answer.headers) + await answer.text()


async def test_without_a_name_or_with_two_it_is_refused(server: Server) -> None:
    for hosts in (b"", b"Host: localhost\r\nHost: evil.example\r\n"):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET /pair HTTP/1.0\r\n" + hosts + b"\r\n")
        answer = await reader.read()
        assert answer.split()[1] in (b"400", b"403")
        assert SECRET.encode() not in answer
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Mode": "cors"},
        {"Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Dest": "image"},
        {"Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "iframe"},
        {"Sec_Fetch_Dest": "empty"},
    ],
)
@pytest.mark.parametrize("path", ["/pair", "/login"])
async def test_what_is_not_a_navigation_of_a_tab_is_refused(
    server: Server, headers: dict[str, str], path: str
) -> None:
    answer = await server.knock(path, **headers)
    assert answer.status == 403
    assert "Location" not in answer.headers


async def test_a_navigation_is_served_and_no_other_method_opens_an_invitation(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = {"Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document", "Sec_Fetch_Site": "none"}
    assert (await server.knock(**tab)).status == 302
    monkeypatch.delattr(House, "first_invitation")
    for method in ("HEAD", "POST", "OPTIONS"):
        assert (await server.knock(method=method)).status == 405


@pytest.mark.parametrize("path", ["/pair", "/login", "/channel", "/control", "/elsewhere"])
async def test_no_answer_is_stored_framed_or_read_by_others(server: Server, path: str) -> None:
    answer = await server.knock(path)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not [name for name in answer.headers if name.startswith("Access-Control")]


async def test_only_this_machine_is_listened_to(
    settings: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = []
    create = socket.create_server

    def seen(address: Any, **how: Any) -> socket.socket:
        bound.append(create(address, **how))
        return bound[-1]

    monkeypatch.setattr(socket, "create_server", seen)
    house = House()
    async with house.server(settings) as port:
        assert [one.getsockname() for one in bound] == [("127.0.0.1", port)]


async def test_the_port_is_the_one_that_is_set_and_another_where_it_is_taken(
    settings: Config,
) -> None:
    house = House()
    with socket.create_server(("127.0.0.1", 0)) as other:
        busy = other.getsockname()[1]
        taken = settings.model_copy(update={"local_port": busy})
        with structlog.testing.capture_logs() as logs:
            async with house.server(taken) as port:
                assert port != busy
    assert {"event": "local_port_taken", "port": busy, "log_level": "warning"} in logs
    async with house.server(taken) as port:
        assert port == busy


async def test_the_file_is_private_fresh_and_gone_at_the_end(settings: Config) -> None:
    house, path, tokens = House(), settings.folder / "control.json", set()
    for _ in range(2):
        async with house.server(settings) as port:
            said = json.loads(path.read_bytes())
            assert (said["port"], said["origin"]) == (port, "http://localhost:8080")
            tokens.add(said["token"])
            if os.name == "posix":
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert list(settings.folder.iterdir()) == []
    assert len(tokens) == 2
    assert all(len(token) == 43 for token in tokens)


async def ask(socket: aiohttp.ClientWebSocketResponse, request: Request) -> Reply:
    await socket.send_str(codec.encode(request).decode())
    return codec.reply.decode(await socket.receive_str(timeout=10))


async def test_a_program_with_the_token_is_answered_at_a_desk_of_its_own(server: Server) -> None:
    one, two = await server.control(), await server.control()
    for asking in (one, two):
        assert isinstance(await ask(asking, WatchHousehold(id=uuid7())), Household)
    assert server.house.open_desks == 2
    await one.close()
    async with asyncio.timeout(10):
        await server.house.closed.wait()
    assert server.house.open_desks == 1
    assert isinstance(await ask(two, WatchHousehold(id=uuid7())), Household)


@pytest.mark.parametrize("said", ["", "Bearer ", "Bearer wrong", "Basic {token}", "{token}", "é"])
async def test_without_the_token_nobody_is_answered(server: Server, said: str) -> None:
    token = server.file["token"]
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await server.control(Authorization=said.replace("{token}", token))
    assert refused.value.status == 401
    assert server.house.open_desks == 0


@pytest.mark.parametrize("origin", ["http://localhost:8080", "https://evil.example", "null", ""])
async def test_no_page_is_answered_even_with_the_token(server: Server, origin: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await server.control(Origin=origin)
    assert refused.value.status == 403


@pytest.mark.parametrize(
    "message", ["{", '{"type":"hello"}', '{"type":"watch_household"}', '{"type":"create_chat"}']
)
async def test_what_is_no_request_of_the_household_ends_the_connection(
    server: Server, message: str
) -> None:
    speaking = await server.control()
    await speaking.send_str(message)
    assert (await speaking.receive(timeout=10)).type == aiohttp.WSMsgType.CLOSE
    assert speaking.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION
    assert server.house.asked == []


async def test_a_mistake_of_ours_ends_one_connection_only(server: Server) -> None:
    one, two = await server.control(), await server.control()
    people = server.house.people
    del server.house.people
    await one.send_str(codec.encode(WatchHousehold(id=uuid7())).decode())
    assert (await one.receive(timeout=10)).type == aiohttp.WSMsgType.CLOSE
    assert one.close_code == aiohttp.WSCloseCode.INTERNAL_ERROR
    server.house.people = people
    assert isinstance(await ask(two, WatchHousehold(id=uuid7())), Household)


async def test_the_end_closes_every_connection(settings: Config) -> None:
    house = House()
    async with aiohttp.ClientSession() as http:
        async with house.server(settings) as port:
            speaking = await Server(house, port, settings.folder, http).control()
            listening = asyncio.ensure_future(speaking.receive(timeout=10))
        assert (await listening).data == aiohttp.WSCloseCode.GOING_AWAY
    assert house.open_desks == 0


async def test_no_log_holds_a_secret(
    settings: Config, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)

    async def breaks(_house: House, _send: Send) -> None:
        raise RuntimeError(SECRET)

    house = House(breaks)
    with structlog.testing.capture_logs() as logs:
        async with (
            house.server(settings) as port,
            aiohttp.ClientSession() as http,
        ):
            server = Server(house, port, settings.folder, http)
            token = server.file["token"]
            await server.knock()
            await server.knock(f"/{token}", Host="evil.example")
            speaking = await server.control()
            await speaking.send_str(f'{{"type":"{token}"}}')
            await speaking.receive(timeout=10)
            broken = await server.control()
            opening = OpenInvitation(id=uuid7(), person="p1", method="secret")
            await broken.send_str(codec.encode(opening).decode())
            await broken.receive(timeout=10)  # the invitation
            await broken.receive(timeout=10)  # the end
    out, err = capfd.readouterr()
    written = f"{logs}{caplog.text}{out}{err}"
    assert "control_failed" in written
    assert token not in written
    assert SECRET not in written
