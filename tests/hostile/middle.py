"""Whoever stands between: answers the device, calls the home, and passes frames on."""

from collections.abc import Callable, Iterable

from aiortc import RTCCertificate

from tests.hostile.ledger import Direction, Ledger
from tests.hostile.legs import Callee, Caller, Carry

Tamper = Callable[[Direction, bytes | str], Iterable[tuple[Direction, bytes | str]]]
"""Given a frame and the way it goes, says which frames go which way instead."""


def pass_on(direction: Direction, frame: bytes | str) -> Iterable[tuple[Direction, bytes | str]]:
    """Only listen."""
    return [(direction, frame)]


class Middle:
    """Two legs, each with a certificate of its own, or with those that it has stolen."""

    def __init__(
        self,
        tamper: Tamper = pass_on,
        ledger: Ledger | None = None,
        *,
        homes: RTCCertificate | None = None,
        devices: RTCCertificate | None = None,
    ) -> None:
        """Prepare.

        Args:
            tamper: What it does to frames.
            ledger: Where it counts what it hears.
            homes: The home's DTLS certificate, where it has that.
            devices: The device's.
        """
        self.ledger = ledger or Ledger()
        self._tamper = tamper
        self.device = Callee(homes)
        self.home = Caller(devices)
        self.device.on_frame = lambda frame: self._hear(Direction.TO_HOME, frame)
        self.home.on_frame = lambda frame: self._hear(Direction.TO_DEVICE, frame)
        self.device.on_lost = self.home.hang_up
        self.home.on_lost = self.device.hang_up

    def towards(self, home: Carry) -> Carry:
        """Give what a device takes for the road to this home."""

        async def carry(offer: str) -> str:
            await self.home.call(home)
            return await self.device.answer(offer)

        return carry

    def say(self, direction: Direction, frame: bytes | str) -> None:
        """Send a frame of its own, or of another's."""
        (self.home if direction is Direction.TO_HOME else self.device).say(frame)

    async def close(self) -> None:
        await self.device.close()
        await self.home.close()

    def _hear(self, direction: Direction, frame: bytes | str) -> None:
        self.ledger.hear(direction, frame)
        for way, changed in self._tamper(direction, frame):
            self.say(way, changed)
