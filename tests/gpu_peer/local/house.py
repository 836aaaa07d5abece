"""A tiny household behind the real server, and the commands as real processes."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from gpu_peer.config import Config
from gpu_peer.local.control import Send
from gpu_peer.local.server import local_server
from gpu_peer.transports.channel import Channel
from gpu_peer.trust.connect import Fingerprints
from protocol.household import (
    AddPerson,
    AnswerPairing,
    CloseInvitation,
    DeviceShown,
    Done,
    Household,
    InvitationEnded,
    InvitationOpened,
    LiveConnection,
    OpenInvitation,
    PairingAsked,
    PersonShown,
    ReadmitDevice,
    RenameDevice,
    Request,
    RequestRefused,
    RevokeDevice,
    WatchHousehold,
)

ROOT = Path(__file__).parents[3]
HOME = "0123456789abcdef" * 2
SECRET = "7ZRA0W4KABCDEFGH"
ASSERTION = "header.claims.signature"
OWNER = PersonShown(id="p1", name="Ann", role="owner")
PHONE = DeviceShown(
    id="aa11" + "0" * 28,
    person="p1",
    name="Phone",
    paired_ms=1_700_000_000_000,
    live=[LiveConnection(road="signaled", since_ms=1_700_000_000_000, code="7ZRA0W4K")],
)
LAPTOP = DeviceShown(
    id="aa22" + "0" * 28, person="p1", name="Laptop", paired_ms=0, revoked=True, live=[]
)

Happens = Callable[["House", Send], Awaitable[None]]


async def paired(house: "House", send: Send) -> None:
    house.devices.append(PHONE)
    await send(InvitationEnded(device=PHONE.id))


async def nothing(_house: "House", _send: Send) -> None:
    pass


def ends(**how: str) -> Happens:
    async def ending(_house: "House", send: Send) -> None:
        await send(InvitationEnded(**how))  # type: ignore[arg-type]

    return ending


class House:
    """A household whose next pairing is scripted; keeps what was asked of it."""

    home_id = HOME

    def __init__(self, happens: Happens = nothing, life_ms: int = 120_000) -> None:
        self.people = [OWNER]
        self.devices: list[DeviceShown] = []
        self.happens = happens
        self.answered = happens
        self.life_ms = life_ms
        self.asked: list[Request] = []
        self.open_desks = 0
        self.opened = asyncio.Event()
        self.closed = asyncio.Event()

    def first_invitation(self) -> str | None:
        return None if self.devices else SECRET

    def open_desk(self, send: Send) -> "Desk":
        return Desk(self, send)

    async def serve(self, channel: Channel, fingerprints: Fingerprints) -> None:
        """Serves no channel."""

    def log_in(self) -> str:
        return ASSERTION

    def server(self, settings: Config) -> AbstractAsyncContextManager[int]:
        """Give the real server of this household."""
        return local_server(settings, self, self.open_desk, self.serve, self.log_in)


class Desk:
    def __init__(self, house: House, send: Send) -> None:
        self.house, self.send = house, send
        house.open_desks += 1

    def close(self) -> None:
        self.house.open_desks -= 1
        self.house.closed.set()

    async def take(self, request: Request) -> None:
        house = self.house
        house.asked.append(request)
        match request:
            case WatchHousehold():
                await self.send(Household(person="p1", people=house.people, devices=house.devices))
                return
            case AddPerson(name=name, role=role):
                house.people = [*house.people, PersonShown(id="p2", name=name, role=role)]
            case OpenInvitation(id=asked, method=method):
                secret = SECRET if method == "secret" else None
                await self.send(
                    InvitationOpened(id=asked, home=HOME, secret=secret, life_ms=house.life_ms)
                )
                house.opened.set()
                await house.happens(house, self.send)
                return
            case AnswerPairing():
                await house.answered(house, self.send)
            case RevokeDevice():
                await self.send(
                    RequestRefused(id=request.id, code="not_allowed", message="Only Eve may.")
                )
                return
            case RenameDevice() | ReadmitDevice() | CloseInvitation():
                pass
        await self.send(Done(id=request.id))


async def asks(house: House, send: Send) -> None:
    await send(PairingAsked(code="7ZRA0W4K", name="Evil \x1b[2J phone"))


def after_answer(happens: Happens) -> House:
    house = House(asks)
    house.answered = happens
    return house


class Run(Protocol):
    """Has this household's home run; gives the data folder."""

    async def __call__(self, house: House, origin: str = ..., /) -> Path: ...


def config(folder: Path, **changed: object) -> Config:
    """Settings by which the server takes any free port."""
    values = {"data": folder, "origin": "http://localhost:8080", "port": 65535, **changed}
    return Config(_env_file=None, **values)  # type: ignore[arg-type]


async def command(folder: Path, *words: str) -> asyncio.subprocess.Process:
    """Start `python -m gpu_peer` with these words; its standard streams are pipes."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gpu_peer", *words),
        env={**os.environ, "HEARTH_DATA": str(folder), "PYTHONIOENCODING": "utf-8"},
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def outcome(folder: Path, *words: str, typed: str = "") -> tuple[int | None, str, str]:
    """Run it to its end: the exit code, and what it wrote to both streams."""
    process = await command(folder, *words)
    async with asyncio.timeout(30):
        out, err = await process.communicate(typed.encode())
    return process.returncode, out.decode(), err.decode()
