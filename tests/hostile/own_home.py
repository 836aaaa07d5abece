"""A home of the attacker's own, with a key of its own, which knows every device."""

import secrets

from aiortc import RTCCertificate
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gpu_peer.identity import Identity
from gpu_peer.transports.sdp import fingerprint, prepare_answer
from gpu_peer.trust.connect import Connect, Fingerprints, Send
from gpu_peer.trust.devices import Device
from protocol import codec
from protocol.errors import ProtocolError
from protocol.framing import Joiner, split
from tests.hostile.ledger import Direction, Ledger
from tests.hostile.legs import Callee, Carry


class _Anybody:
    """See `Devices`. Says of each device that it is known, with this key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def find(self, device_id: str) -> Device:
        return Device(id=device_id, key=self._key, person="anybody")


class OwnHome:
    """Answers in the home's place, and runs the home's own machine."""

    def __init__(
        self,
        ledger: Ledger | None = None,
        *,
        device_key: bytes = bytes(32),
        homes: RTCCertificate | None = None,
    ) -> None:
        """Prepare.

        Args:
            ledger: Where it counts what it hears.
            device_key: The device's public key, where it has learned that.
            homes: The home's DTLS certificate, where it has that.
        """
        self.ledger = ledger or Ledger()
        self.device = Callee(homes)
        self.device.on_frame = self._hear
        self._joiner = Joiner()
        self._devices = _Anybody(device_key)
        self._connect: Connect | None = None

    def towards(self, _home: Carry) -> Carry:
        """Give what a device takes for the road to its home, which this never calls."""
        return self.device.answer

    async def close(self) -> None:
        await self.device.close()

    def _hear(self, frame: bytes | str) -> None:
        self.ledger.hear(Direction.TO_HOME, frame)
        if self._connect is None:
            identity = Identity(Ed25519PrivateKey.generate())
            nonce = secrets.token_bytes(32)
            self._connect = Connect(identity, self._devices, self._fingerprints(), nonce, 0)
        try:
            joined = self._joiner.feed(frame if isinstance(frame, bytes) else b"")
            if joined is None:
                return
            effects = self._connect.receive(codec.trust_to_home.decode(joined), 0)
        except ProtocolError as error:
            effects = self._connect.receive_bad(error, 0)
        for effect in effects:
            if isinstance(effect, Send):
                for piece in split(codec.encode(effect.message)):
                    self.device.say(piece)

    def _fingerprints(self) -> Fingerprints:
        peer = self.device.peer
        return Fingerprints(
            home=fingerprint(prepare_answer(peer.localDescription.sdp)),
            device=fingerprint(peer.remoteDescription.sdp),
        )
