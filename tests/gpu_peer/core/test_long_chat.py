"""A chat that outgrows the context of a real model, from a device's message to its answer."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from gpu_peer.chat.connection import DeviceConnection
from gpu_peer.chat.conversation import SYSTEM
from gpu_peer.chat.home import Home
from gpu_peer.clock import LoopClock
from gpu_peer.devices.machine import Machine, Packages
from gpu_peer.engine import EngineEvent, EngineReader
from gpu_peer.household.desk import Asker
from gpu_peer.household.household import Household
from gpu_peer.rust_engine import RustEngine, Settings, load_engine
from gpu_peer.storage.store import Store
from gpu_peer.uuid7 import uuid7
from protocol.chat import AnswerBegun, AnswerEnded, ChatError, SendMessage
from tests.gpu_peer.support.device import MemoryDevice
from tests.gpu_peer.support.trust import HOME

CONTEXT = 256
MAX_TOKENS = 24
ROOM = CONTEXT - MAX_TOKENS


@pytest.fixture
async def engine(model_folder: Path, tmp_path: Path) -> AsyncIterator[RustEngine]:
    settings = Settings("cpu", 2, CONTEXT, MAX_TOKENS, cache=tmp_path)
    engine = load_engine(
        lambda _dtype: model_folder, settings, Machine(None), Packages(None, None, None, None)
    )
    yield engine
    engine.close()


@pytest.fixture
async def device(engine: RustEngine, tmp_path: Path) -> AsyncIterator[MemoryDevice]:
    loop, clock = asyncio.get_running_loop(), LoopClock()
    store = await Store(tmp_path / "chats.sqlite3").open()
    home = Home(store, engine, clock)

    def deliver(events: Sequence[EngineEvent]) -> None:
        loop.call_soon_threadsafe(home.answers.take, events)

    def broken(_error: Exception) -> None:
        loop.call_soon_threadsafe(home.answers.fail_all)

    reader = EngineReader(engine, deliver, broken)
    reader.start()
    device = MemoryDevice()
    household = await Household(HOME, store, clock).open()
    connection = DeviceConnection(Asker("ann", None), device, home, household, clock)
    serving = asyncio.ensure_future(connection.run())
    await device.greet()
    yield device
    device.leave()
    await serving
    await home.close()
    reader.stop()
    await store.close()


async def test_a_long_chat_goes_on_being_answered_and_the_cut_is_told(
    engine: RustEngine, device: MemoryDevice
) -> None:
    chat = await device.create_chat()
    told: list[int] = []
    for number in range(14):
        begun = await device.ask(chat, f"Tell me fact number {number} about the sea, please.")
        assert isinstance(begun, AnswerBegun)
        ended = await device.event(AnswerEnded)
        assert ended.reason in ("stop", "length")
        assert ended.text
        assert ended.timings is not None
        # The whole reserve is there: no answer ends because the context does.
        assert ended.timings.prompt_tokens <= ROOM
        assert ended.reason == "stop" or ended.timings.completion_tokens == MAX_TOKENS
        told.append(begun.cut.left_out if begun.cut else 0)
    assert told[0] == 0
    assert told == sorted(told)
    # It is cut more than once, and not anew with every turn.
    assert 2 <= len(set(told)) - 1 < 7, told


async def test_a_message_longer_than_the_context_is_refused_by_the_models_own_count(
    engine: RustEngine, device: MemoryDevice
) -> None:
    chat = await device.create_chat()
    text = "The sea is wide. " * 100
    device.say(SendMessage(id=uuid7(), chat=chat, message=uuid7(), text=text))
    error = await device.hear(ChatError)
    assert error.excess is not None
    assert error.excess.limit == ROOM
    assert error.excess.tokens == engine.count_tokens([SYSTEM, ("user", text)])
