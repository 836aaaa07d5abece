"""The whole part but the model: a home behind a stand-in VDS, a device over WebRTC."""

import asyncio
import re
import socket
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import jwt
import pytest
import structlog

from gpu_peer.__main__ import main
from gpu_peer.app import only_one, serve
from gpu_peer.chat.conversation import Turn
from gpu_peer.clock import LoopClock
from gpu_peer.config import Config
from gpu_peer.engine import Engine, EngineEvent, ModelInfo, TextPiece
from gpu_peer.errors import EngineUnavailable, FolderInUse
from gpu_peer.household.household import Household
from gpu_peer.identity import load_identity
from gpu_peer.storage.store import Store
from gpu_peer.transports.signaled_sessions import Signals
from protocol.chat import AnswerEnded, Delta
from protocol.transcript import key_id
from protocol.trust import Bound
from tests.gpu_peer.support.device import RtcDevice
from tests.gpu_peer.support.lan import LanDevice
from tests.gpu_peer.support.scripted_engine import ScriptedEngine
from tests.gpu_peer.support.trust import public
from tests.gpu_peer.support.vds import ThroughVds, Vds, a_vds

ORIGIN = "https://vds.example"


class Parrot(ScriptedEngine):
    """Repeats what it is asked at once and then says no more; read by the real reader."""

    def __init__(self) -> None:
        super().__init__()
        self._events: asyncio.Queue[Sequence[EngineEvent] | None] = asyncio.Queue()

    def submit(self, generation: str, prompt: Sequence[Turn], owner: str, begun: str = "") -> None:
        self.put([TextPiece(generation, prompt[-1][1])])

    def next_events(self, timeout_s: float) -> Sequence[EngineEvent]:
        events = asyncio.run_coroutine_threadsafe(self._events.get(), self.loop).result(20)
        if events is None:
            raise EngineUnavailable("closed")
        return events

    def put(self, events: Sequence[EngineEvent] | None) -> None:
        self.loop.call_soon_threadsafe(self._events.put_nowait, events)

    def close(self) -> None:
        self.put(None)


@pytest.fixture
async def vds() -> AsyncIterator[tuple[Vds, str]]:
    async with a_vds() as pair:
        yield pair


class Running:
    def __init__(self, config: Config, load: Callable[[], Engine]) -> None:
        self.stop = asyncio.Event()
        self.task = asyncio.ensure_future(serve(config, load, self.stop))

    async def end(self) -> None:
        self.stop.set()
        async with asyncio.timeout(3):
            await self.task


def config(folder: Path, address: str, lan_port: int = 0) -> Config:
    return Config(data=folder, signaling=address, lan_port=lan_port)


async def paired_device(folder: Path, signals: Signals) -> RtcDevice:
    """Give a device of the owner's, from before the home in this folder is started."""
    here = config(folder, "").folder
    here.mkdir(parents=True)
    store = await Store(here / "chats.sqlite3").open()
    device = RtcDevice("ann", signals, home_key=load_identity(here).key)
    household = await Household(load_identity(here), store, LoopClock()).open()
    await household.devices.register(public(device.key), "Phone", household.owner, 1)
    await store.close()
    return device


async def test_from_an_offer_to_an_answer_that_is_cut_by_the_end(
    tmp_path: Path, vds: tuple[Vds, str]
) -> None:
    server, address = vds
    parrot = Parrot()
    device = await paired_device(tmp_path, ThroughVds(server))
    running = Running(config(tmp_path, address), lambda: parrot)
    await server.home()
    await device.connect()
    assert (await device.greet()).model == "scripted"
    await device.ask(await device.create_chat(), "Say this")
    assert (await device.hear(Delta)).text == "Say this"
    ending = asyncio.ensure_future(running.end())
    ended = await device.event(AnswerEnded)
    assert (ended.reason, ended.text) == ("cut", "Say this")
    await ending
    await device.leave()


async def test_what_was_loaded_is_logged(tmp_path: Path, vds: tuple[Vds, str]) -> None:
    server, address = vds
    parrot = Parrot()
    parrot.info = ModelInfo("parrot", 4096, "tensorrt", 1024, decodes_together=False)
    with structlog.testing.capture_logs() as logs:
        running = Running(config(tmp_path, address), lambda: parrot)
        await server.home()
        await running.end()
    loaded = next(line for line in logs if line["event"] == "model_loaded")
    assert (loaded["model"], loaded["device"]) == ("parrot", "tensorrt")
    assert loaded["decodes_together"] is False


async def test_two_servers_know_the_home_and_a_device_comes_by_either(
    tmp_path: Path, vds: tuple[Vds, str]
) -> None:
    server, address = vds
    async with a_vds() as (local, here):
        device = await paired_device(tmp_path, ThroughVds(local))
        both = Config(data=tmp_path, signaling=address, origin=ORIGIN, local_signaling=here)
        parrot = Parrot()
        running = Running(both, lambda: parrot)
        await server.home()
        await local.home()
        assert [audience(each.tokens[0]) for each in (server, local)] == [ORIGIN, here]
        assert [audience(await each.asked()) for each in (server, local)] == [ORIGIN, here]
        await device.connect()
        await device.greet()
        assert await local.vouched.get() == "room"
        assert server.vouched.empty()
        await device.leave()
        await running.end()


def audience(token: str) -> str:
    claims: dict[str, str] = jwt.decode(token, options={"verify_signature": False})
    return claims["aud"]


async def test_devices_stay_when_the_vds_goes(tmp_path: Path, vds: tuple[Vds, str]) -> None:
    server, address = vds
    parrot = Parrot()
    device = await paired_device(tmp_path, ThroughVds(server))
    running = Running(config(tmp_path, address), lambda: parrot)
    socket = await server.home()
    await device.connect()
    await device.greet()
    await socket.close()
    await server.home()
    await device.ask(await device.create_chat(), "Still there")
    assert (await device.hear(Delta)).text == "Still there"
    await device.leave()
    await running.end()


def free_port() -> int:
    """Give a UDP port that nobody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def test_a_device_that_came_once_comes_again_without_the_vds(
    tmp_path: Path, vds: tuple[Vds, str]
) -> None:
    server, address = vds
    parrot = Parrot()
    first = await paired_device(tmp_path, ThroughVds(server))
    running = Running(config(tmp_path, address, free_port()), lambda: parrot)
    await server.home()
    await first.connect()
    ticket = next(said.lan for said in first.heard if isinstance(said, Bound))
    assert ticket is not None
    assert ticket.name == f"hearth-{key_id(first.home_key)[:8]}.local"
    await first.leave()
    second = LanDevice(ticket, key=first.key, home_key=first.home_key)
    await second.connect()
    await second.greet()
    await second.ask(await second.create_chat(), "Say this")
    assert (await second.hear(Delta)).text == "Say this"
    ending = asyncio.ensure_future(running.end())
    assert (await second.event(AnswerEnded)).reason == "cut"
    await ending
    await second.leave()


async def test_a_home_that_is_to_be_reached_by_the_vds_alone_gives_no_ticket(
    tmp_path: Path, vds: tuple[Vds, str]
) -> None:
    server, address = vds
    parrot = Parrot()
    device = await paired_device(tmp_path, ThroughVds(server))
    running = Running(config(tmp_path, address), lambda: parrot)
    await server.home()
    await device.connect()
    assert [said.lan for said in device.heard if isinstance(said, Bound)] == [None]
    await device.leave()
    await running.end()


async def test_an_engine_that_breaks_ends_the_process_with_a_sentence(
    tmp_path: Path, vds: tuple[Vds, str]
) -> None:
    server, address = vds
    parrot = Parrot()
    device = await paired_device(tmp_path, ThroughVds(server))
    running = Running(config(tmp_path, address), lambda: parrot)
    await server.home()
    await device.connect()
    await device.greet()
    await device.ask(await device.create_chat(), "Hello")
    await device.hear(Delta)
    parrot.put(None)
    assert (await device.event(AnswerEnded)).code == "model_failed"
    with pytest.raises(EngineUnavailable, match="stopped working"):
        await running.task
    await device.leave()


async def test_a_model_that_cannot_be_loaded_is_a_sentence(tmp_path: Path) -> None:
    def load() -> Engine:
        raise EngineUnavailable("There is no model.")

    with pytest.raises(EngineUnavailable, match="There is no model"):
        await serve(config(tmp_path, "http://127.0.0.1:1"), load, asyncio.Event())


async def test_an_end_does_not_wait_for_a_model_that_loads(tmp_path: Path) -> None:
    loading, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def load() -> Engine:
        loop.call_soon_threadsafe(loading.set)
        go_on.wait(20)
        raise EngineUnavailable("late")

    running = Running(config(tmp_path, "http://127.0.0.1:1"), load)
    await loading.wait()
    await running.end()
    go_on.set()


def test_a_second_process_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    here = config(tmp_path, "")
    with only_one(here), pytest.raises(FolderInUse, match=re.escape(str(here.folder))):
        only_one(here).__enter__()
    with only_one(here):
        pass


def test_the_command_prints_the_key_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEARTH_DATA", str(tmp_path))
    assert main(["identity"]) == 0
    first = capsys.readouterr().out
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}\n", first)
    assert main(["identity"]) == 0
    assert capsys.readouterr().out == first


def test_what_is_wrong_is_one_sentence_and_a_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gpu_peer").write_text("in the way")
    monkeypatch.setenv("HEARTH_DATA", str(tmp_path))
    assert main(["identity"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
