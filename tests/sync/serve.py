"""Serves one PC to the scheduler: a line of orders in, a line of what came of them out."""

import gc
import traceback
from pathlib import Path
from typing import BinaryIO

import msgspec

from protocol.chat import ChatHead
from tests.sync.pc import Pc


class Order(msgspec.Struct, tag_field="do", tag=str.lower):
    """Something to do. They are done in order, and the PC comes to rest after each."""


class Begin(Order):
    """A new world, in which the power can be lost or not."""

    seed: int
    power: bool


class Connect(Order):
    line: int


class Hear(Order):
    line: int
    message: msgspec.Raw


class Drain(Order):
    line: int
    count: int


class Cut(Order):
    """The line ends, while the PC is busy with the last that was said on it."""

    line: int
    last: list[msgspec.Raw]


class Pass(Order):
    ms: int


class Jump(Order):
    ms: int


class KillAt(Order):
    writes: int
    after: bool


class Fail(Order):
    first: int
    count: int


class Calm(Order): ...


class Kill(Order): ...


class LosePower(Order):
    """At once, or when files are to be synced for the n-th time from now on."""

    syncs: int | None = None


class Stop(Order): ...


class Start(Order):
    kill_at: int | None = None
    lose_at: int | None = None


class BackUp(Order): ...


class Restore(Order):
    """Put the backup in the place of what there is, or the one before it."""

    older: bool = False


class PutBack(Order):
    """Put the backup in its place by hand, and start the process again."""


class Dump(Order):
    """Tell all there is, and which of these words are in the database's files."""

    gone: list[str]


Orders = list[
    Begin
    | Connect
    | Hear
    | Drain
    | Cut
    | Pass
    | Jump
    | KillAt
    | Fail
    | Calm
    | Kill
    | LosePower
    | Stop
    | Start
    | BackUp
    | Restore
    | PutBack
    | Dump
]


class Dumped(msgspec.Struct):
    """What there is on the PC.

    Attributes:
        log: The log's id.
        head: The newest number.
        events: All of the user's, as JSON.
        chats: The list of them, as a device that has nothing is told.
        settings: By name.
        open: Answers that have not ended.
        said: What was ever generated, by answer.
        found: Of the words that were asked for, those that are in the database's files.
    """

    log: str
    head: int
    events: list[msgspec.Raw]
    chats: list[ChatHead]
    settings: dict[str, str]
    open: list[str]
    said: dict[str, str]
    found: list[str]


class Came(msgspec.Struct):
    """What came of the orders.

    Attributes:
        sent: What the PC sent, to which line.
        closed: Lines that the PC closed.
        running: Whether the PC is alive.
        error: What must never happen has happened.
    """

    sent: list[tuple[int, msgspec.Raw]]
    closed: list[int]
    running: bool
    dump: Dumped | None = None
    error: str | None = None


class Server:
    """Plays one world after another in a folder."""

    def __init__(self, folder: Path, template: Path) -> None:
        self._folder = folder
        self._template = template
        self._pc: Pc | None = None
        self._worlds = 0

    def serve(self, orders: BinaryIO, came: BinaryIO) -> None:
        """Go on until the scheduler is gone."""
        decoder = msgspec.json.Decoder(Orders)
        encoder = msgspec.json.Encoder()
        for line in orders:
            try:
                done = self._all(decoder.decode(line))
            except Exception:
                done = Came([], [], running=False, error=traceback.format_exc())
            came.write(encoder.encode(done) + b"\n")
            came.flush()

    def _all(self, orders: Orders) -> Came:
        dump = None
        for order in orders:
            dump = self._one(order)
        assert self._pc is not None
        return Came(
            [(line, msgspec.Raw(message)) for line, message in self._pc.take_sent()],
            self._pc.take_closed(),
            self._pc.running,
            dump,
        )

    def _one(self, order: Order) -> Dumped | None:
        if isinstance(order, Begin):
            if self._pc is not None:
                self._pc.kill()
                self._worlds += 1
                if self._worlds % 20 == 0:
                    gc.collect()
            self._pc = Pc(order.seed, self._folder, self._template, power=order.power)
            return None
        pc = self._pc
        assert pc is not None
        match order:
            case Connect():
                pc.connect(order.line)
            case Hear():
                pc.hear(order.line, bytes(order.message))
            case Drain():
                pc.drain(order.line, order.count)
            case Cut():
                for message in order.last:
                    pc.hear(order.line, bytes(message))
                    pc.begin()
                pc.cut(order.line)
            case Pass():
                pc.advance(order.ms / 1000)
            case Jump():
                pc.jump(order.ms)
            case KillAt():
                pc.kill_at(order.writes, after=order.after)
            case Fail():
                pc.fail(order.first, order.count)
            case Calm():
                pc.calm()
            case Kill():
                pc.kill()
            case LosePower(syncs=None):
                pc.lose_power()
            case LosePower(syncs=int(syncs)):
                pc.lose_power_at(syncs)
            case Stop():
                pc.stop()
            case Start():
                pc.start(order.kill_at, order.lose_at)
            case BackUp():
                pc.back_up()
            case Restore():
                pc.restore(older=order.older)
            case PutBack():
                pc.put_back()
                pc.start()
            case Dump():
                return Dumped(**pc.dump(order.gone))
        pc.rest()
        return None
