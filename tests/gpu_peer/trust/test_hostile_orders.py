"""Any messages in any order, at any time: no chat is opened before both ends have signed."""

import asyncio
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import event, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gpu_peer.transports.channel import FromHome
from gpu_peer.trust.connect import CONNECT_MS
from protocol import VERSION, base64url, crockford
from protocol.base import Message
from protocol.chat import Hello, SendMessage
from protocol.errors import Malformed
from protocol.household import WatchHousehold
from protocol.transcript import SECRET_BYTES, Purpose
from protocol.trust import (
    Bound,
    Challenge,
    PairAccept,
    PairConfirm,
    PairOffer,
    PairReveal,
    Prove,
    TrustError,
)
from tests.gpu_peer.support.device import MemoryDevice
from tests.gpu_peer.support.house import House
from tests.gpu_peer.support.trust import FINGERPRINTS, DeviceEnd, public, sign
from tests.gpu_peer.support.virtual_clock import VirtualClock
from tests.hostile.ledger import TRUST, Direction

ZEROS = base64url.to_text(bytes(32))
UNSIGNED = base64url.to_text(bytes(64))
CHAT = [
    Hello(version=VERSION, after=0),
    SendMessage(id="i" * 36, chat="c" * 36, message="m" * 36, text="Who is there?"),
    WatchHousehold(id="i" * 36),
]


class Line(MemoryDevice):
    """One connection in memory, and what a device with this key can say on it."""

    def __init__(self, key: Ed25519PrivateKey, secret: bytes) -> None:
        super().__init__()
        self.key = key
        self.known = DeviceEnd(key, nonce=secrets.token_bytes(32))
        self.pairing = DeviceEnd(key, nonce=secrets.token_bytes(32), secret=secret)
        self.has_proved = False
        """It has seen the home's signature, and said its own of this very connection."""

    async def send(self, message: FromHome) -> None:
        await super().send(message)
        self.heard.append(message)

    def last(self, kind: type) -> FromHome | None:
        found = [message for message in self.heard if isinstance(message, kind)]
        return found[-1] if found else None

    def prove(self) -> Message:
        challenge = self.last(Challenge)
        if not isinstance(challenge, Challenge):
            return Prove(signature=UNSIGNED, nonce=ZEROS)
        proof = self.known.prove(challenge)
        self.has_proved = True
        return proof

    def prove_wrongly(self) -> Message:
        """Sign as the home, which is all that reflecting its words can come to."""
        wrong = sign(self.key, self.known.transcript(Purpose.BIND).of("home"))
        nonce = base64url.to_text(self.known.nonce)
        return Prove(signature=base64url.to_text(wrong), nonce=nonce)

    def reveal(self) -> Message:
        offer = self.last(PairOffer)
        wrong = PairReveal(nonce=ZEROS, mac=ZEROS)
        return self.pairing.reveal(offer) if isinstance(offer, PairOffer) else wrong

    def confirm(self) -> Message:
        accept = self.last(PairAccept)
        wrong = PairConfirm(signature=UNSIGNED)
        return self.pairing.confirm(accept) if isinstance(accept, PairAccept) else wrong


MOVES: dict[str, Callable[[Line], Message | Malformed]] = {
    "introduce": lambda line: line.known.introduce(),
    "introduce an unknown one": lambda line: replace(line.known.introduce(), device="0" * 32),
    "introduce in version 0": lambda line: replace(line.known.introduce(), version=0),
    "prove": Line.prove,
    "prove wrongly": Line.prove_wrongly,
    "ask to pair": lambda line: line.pairing.request(),
    "reveal": Line.reveal,
    "confirm": Line.confirm,
    "hello": lambda _: CHAT[0],
    "say": lambda _: CHAT[1],
    "watch": lambda _: CHAT[2],
    "garbage": lambda _: Malformed("not a message"),
}
WAITS = {"a moment": 0.3, "too long": CONNECT_MS / 1000}


@dataclass
class Played:
    heard: list[FromHome]
    has_opened: bool
    too_early: bool


class Doors:
    """A house whose opened chats are counted; each connection with a device of its own."""

    def __init__(self, folder: Path) -> None:
        self.clock = VirtualClock()
        self.house = House(folder / "chats.sqlite3", self.clock)
        self.opened: list[str] = []

    async def start(self) -> None:
        await self.house.start()
        self._watch = self.house.home.watch
        self.house.home.watch = self._open  # type: ignore[method-assign]  # a session's first act
        self._serve = self.house.serving("p2p")

    async def play(self, is_known: bool, moves: list[str]) -> Played:
        """Say these on one connection."""
        household = self.house.household
        secret = household.invitations.open(household.owner, "secret", Quiet())
        assert secret is not None
        line = Line(Ed25519PrivateKey.generate(), crockford.from_text(secret, SECRET_BYTES))
        if is_known:
            now_ms = self.clock.wall_ms()
            await household.devices.register(public(line.key), "A", household.owner, now_ms)
        self.opened.clear()
        too_early = False
        serving = asyncio.ensure_future(self._serve(line, FINGERPRINTS))
        for move in moves:
            if move in WAITS:
                self.clock.advance(WAITS[move])
            elif not line.closed.is_set():
                line.say(MOVES[move](line))
            await self._settle()
            too_early |= bool(self.opened) and not line.has_proved
        line.leave()
        await serving
        return Played(line.heard, bool(self.opened), too_early)

    async def _settle(self) -> None:
        for _ in range(2):
            for _ in range(20):
                await asyncio.sleep(0)
            # Behind whatever is being written.
            await self.house.store.with_people(lambda _: None)

    def _open(self, user: str, wake: Callable[[], None]) -> Callable[[], None]:
        self.opened.append(user)
        return self._watch(user, wake)


Play = Callable[[bool, list[str]], Played]


class Quiet:
    def tell(self, _: object) -> None:
        pass


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    with asyncio.Runner() as runner:

        async def start() -> Doors:
            doors = Doors(tmp_path_factory.mktemp("house"))
            await doors.start()
            return doors

        doors = runner.run(start())
        yield lambda is_known, moves: runner.run(doors.play(is_known, moves))
        runner.run(doors.house.die())


CONNECTING = ["introduce", "prove"]
PAIRING = ["ask to pair", "reveal", "confirm"]
ORDERS = st.lists(
    st.one_of(
        st.sampled_from([[move] for move in (*MOVES, *WAITS)]),
        st.sampled_from([["introduce"], CONNECTING, PAIRING, PAIRING + CONNECTING]),
    ),
    max_size=6,
).map(lambda parts: [move for part in parts for move in part])
"""Single moves, and right orders among them, or nothing but refusals would be seen."""


@given(known=st.booleans(), moves=ORDERS)
@example(known=True, moves=[*CONNECTING, "hello"])
@example(known=False, moves=[*PAIRING, *CONNECTING, "hello"])
@example(known=True, moves=["introduce", "prove wrongly", "hello"])
@example(known=True, moves=["introduce", "hello", "prove", "hello"])
@example(known=True, moves=["introduce", "too long", "prove", "hello"])
@settings(max_examples=300)
def test_in_no_order_is_a_chat_opened_before_both_have_signed(
    play: Play, known: bool, moves: list[str]
) -> None:
    played = play(known, moves)
    event("opened" if played.has_opened else "not opened")
    assert not played.too_early
    kinds = [type(message) for message in played.heard]
    before = kinds[: kinds.index(Bound)] if Bound in kinds else kinds
    assert {kind.__struct_config__.tag for kind in before} <= TRUST[Direction.TO_DEVICE]
    assert played.has_opened == (Bound in kinds)
    assert TrustError not in before or Bound not in kinds, "it went on after a refusal"


@pytest.mark.parametrize("known", [True, False])
def test_the_right_order_opens_one(play: Play, known: bool) -> None:
    """So the moves of the other test lead somewhere."""
    assert play(known, [*([] if known else PAIRING), *CONNECTING]).has_opened
