"""Wires the parts together: from the settings to a home that answers, and to its end."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import structlog
from filelock import FileLock, Timeout

from gpu_peer.backing_up import backing_up
from gpu_peer.chat.home import Home
from gpu_peer.clock import Clock, LoopClock
from gpu_peer.config import Config
from gpu_peer.daemon_thread import in_daemon_thread
from gpu_peer.engine import Engine, EngineEvent, EngineReader
from gpu_peer.errors import EngineUnavailable, FolderInUse, KeyUnreadable
from gpu_peer.household.guests import Guests
from gpu_peer.household.household import Household
from gpu_peer.identity import Identity, load_identity
from gpu_peer.logs import describe
from gpu_peer.recovery import telling_what_to_do
from gpu_peer.replacing import tidy
from gpu_peer.roads import reached_in_lan, reached_on_pc, tickets_of
from gpu_peer.serving import serving
from gpu_peer.storage.store import Store
from gpu_peer.transports.certificate import load_certificate
from gpu_peer.transports.relay import Relay
from gpu_peer.transports.signaled_sessions import Serve, SignaledSessions
from gpu_peer.transports.signaling_client import SignalingClient
from protocol.roads import RoadName

FAREWELL_S = 0.2
"""So long devices get to read how their answers ended."""

CLOSE_ENGINE_S = 1.0

T = TypeVar("T")

log = structlog.get_logger()


async def serve(config: Config, load: Callable[[], Engine], stop: asyncio.Event) -> None:
    """Run until `stop` is set.

    Args:
        config: The settings.
        load: Loads the engine; blocks, on a thread of its own.
        stop: Set from outside to end.

    Raises:
        PeerError: the process cannot go on; the text is a sentence for the user.
    """
    with only_one(config):
        identity = load_identity(config.folder)
        certificate = load_certificate(config.folder)
        chats = config.folder / "chats.sqlite3"
        with telling_what_to_do(chats):
            store = await Store(chats).open()
        try:
            log.info("model_loading")
            engine = await _unless(stop, in_daemon_thread(load, "model-loader"))
            if engine is None:
                return
            log.info(
                "model_loaded",
                model=engine.info.name,
                device=engine.info.device,
                decodes_together=engine.info.decodes_together,
            )
            clock = LoopClock()
            home = Home(store, engine, clock)
            household = await Household(identity, store, clock).open()
            guests = Guests(household, home.erase, clock)
            if cut := await home.start():
                log.info("answers_cut", count=cut)
            tickets = tickets_of(household, certificate)

            def serve_on(road: RoadName, on_bound: Callable[[], None] = lambda: None) -> Serve:
                return serving(home, household, clock, road, tickets, on_bound)

            try:
                async with (
                    _erasing(guests),
                    backing_up(chats, clock),
                    reached_on_pc(config, identity, household, serve_on),
                    reached_in_lan(config, household, certificate, tickets, serve_on, clock),
                    _reading(engine, home) as broken,
                ):
                    sessions = SignaledSessions(certificate, serve_on)
                    try:
                        await _signal(config, identity, sessions, clock, stop, broken)
                    finally:
                        await home.close()
                        await _farewell(household)
                        await sessions.close()
            finally:
                closing = in_daemon_thread(engine.close, "engine-closer")
                await asyncio.wait((closing,), timeout=CLOSE_ENGINE_S)
        finally:
            await store.close()


@contextmanager
def only_one(config: Config) -> Iterator[None]:
    """Hold the data folder for this process alone. What an earlier one left half done is finished.

    Raises:
        FolderInUse: another process has it.
        KeyUnreadable: the folder cannot be made or written.
        BackupFailed: a restore that was cut off cannot be finished.
    """
    lock = FileLock(config.folder / "lock")
    try:
        config.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise FolderInUse(
            f"Another Hearth works in {config.folder}. Stop it, or choose another HEARTH_DATA."
        ) from None
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise KeyUnreadable(f"The folder {config.folder} cannot be used: {why}.") from None
    try:
        tidy(config.folder)
        yield
    finally:
        lock.release()


@asynccontextmanager
async def _erasing(guests: Guests) -> AsyncIterator[None]:
    """Keep no guest's chats once nobody can be reached any more."""
    await guests.start()
    try:
        yield
    finally:
        await guests.close()


@asynccontextmanager
async def _reading(engine: Engine, home: Home) -> AsyncIterator[asyncio.Future[None]]:
    """Read the engine's events. Gives a future that fails when the engine breaks."""
    loop = asyncio.get_running_loop()
    broken: asyncio.Future[None] = loop.create_future()

    def deliver(events: Sequence[EngineEvent]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed, the process is ending
            loop.call_soon_threadsafe(home.answers.take, events)

    def fail(error: Exception) -> None:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, error)

    def settle(error: Exception) -> None:
        log.error("engine_broken", **describe(error))
        home.answers.fail_all()
        if not broken.done():
            broken.set_exception(
                EngineUnavailable("The model stopped working and is loaded again.")
            )

    reader = EngineReader(engine, deliver, fail)
    reader.start()
    try:
        yield broken
    finally:
        reader.stop()
        broken.cancel()


async def _signal(
    config: Config,
    identity: Identity,
    sessions: SignaledSessions,
    clock: Clock,
    stop: asyncio.Event,
    broken: asyncio.Future[None],
) -> None:
    """Stay known to the signaling servers until the end."""
    lasting: list[asyncio.Future[None]] = [
        asyncio.ensure_future(work)
        for server, origin in config.signaling_servers.items()
        for work in _known_to(server, origin, identity, sessions, clock)
    ]
    stopping = asyncio.ensure_future(stop.wait())
    try:
        ends: tuple[asyncio.Future[Any], ...] = (*lasting, stopping, broken)
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in (*lasting, broken):
            if end.done():
                end.result()
    finally:
        ours: tuple[asyncio.Future[Any], ...] = (*lasting, stopping)
        for task in ours:
            task.cancel()
        await asyncio.wait(ours)


def _known_to(
    server: str, origin: str, identity: Identity, sessions: SignaledSessions, clock: Clock
) -> tuple[Coroutine[Any, Any, None], ...]:
    """Give what keeps this home known to one server, and one server's relay known to this home."""
    first = True

    def ready() -> None:
        nonlocal first
        log.info("ready" if first else "signaling_back", home=identity.home_id, server=server)
        first = False
        relay.wake()

    def assertion() -> str:
        return identity.assertion(origin, socket.gethostname()[:64], time.time())

    relay = Relay(server, assertion, clock)
    client = SignalingClient(server, assertion, sessions, clock, ready, relay)
    return client.run(), relay.run()


async def _farewell(household: Household) -> None:
    if household.is_anybody_here:
        await asyncio.sleep(FAREWELL_S)


async def _unless(stop: asyncio.Event, work: asyncio.Future[T]) -> T | None:
    """Wait for the work, but give None as soon as `stop` is set."""
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((stopping, work), return_when=asyncio.FIRST_COMPLETED)
        return work.result() if work.done() else None
    finally:
        stopping.cancel()
        work.cancel()
