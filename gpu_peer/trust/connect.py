"""The home's side of a connection's beginning: a known device proves that it is at the other end.

Made for each connection, on every road. Until `BOUND` the channel understands no message of a chat.
"""

from dataclasses import dataclass
from enum import Enum

from gpu_peer import state_diagram
from gpu_peer.trust import keys
from gpu_peer.trust.devices import Device, Devices
from protocol import VERSION, base64url
from protocol.codec import check_version
from protocol.errors import ErrorCode, ProtocolError, UnsupportedVersion
from protocol.transcript import Purpose, Transcript, commitment
from protocol.trust import Bound, Challenge, FromHome, Introduce, Prove, ToHome, TrustError

CONNECT_MS = 5_000
"""All of it takes at most this long."""


class State(Enum):
    """Where a connection is."""

    AWAITING_INTRODUCTION = "the channel is open, nobody has said who they are"
    AWAITING_PROOF = "the home has signed, the device has not"
    BOUND = "both have signed this very connection"
    CLOSED = "over; nothing is answered any more"


class Kind(Enum):
    """What can happen to it."""

    KNOWN = "introduction of a known device"
    UNKNOWN = "introduction of an unknown device"
    REVOKED = "a device that was removed"
    WRONG_VERSION = "introduction in another version"
    PROVED = "right proof"
    UNPROVED = "wrong proof"
    OUT_OF_PLACE = "any other message"
    BAD = "not a message"
    LATE = "no proof in time"


class Action(Enum):
    """What to do about it."""

    CHALLENGE = "sign, challenge"
    BIND = "bound, then chat"
    REFUSE_UNKNOWN = "refuse: device_unknown"
    REFUSE_REVOKED = "refuse: device_revoked"
    REFUSE_VERSION = "refuse: unsupported_version"
    REFUSE_PROOF = "refuse: proof_wrong"
    REFUSE_ORDER = "refuse: malformed"
    REFUSE_BAD = "refuse: malformed, unknown_type or too_large"
    REFUSE_LATE = "refuse: too_late"
    NOTHING = "nothing"


I, P, B, C = State.AWAITING_INTRODUCTION, State.AWAITING_PROOF, State.BOUND, State.CLOSED  # noqa: E741  # short, so that the table reads as one

TABLE: dict[tuple[State, Kind], tuple[State, Action]] = {
    (I, Kind.KNOWN): (P, Action.CHALLENGE),
    (I, Kind.UNKNOWN): (C, Action.REFUSE_UNKNOWN),
    (I, Kind.REVOKED): (C, Action.REFUSE_REVOKED),
    (I, Kind.WRONG_VERSION): (C, Action.REFUSE_VERSION),
    (I, Kind.PROVED): (C, Action.REFUSE_ORDER),
    (I, Kind.UNPROVED): (C, Action.REFUSE_ORDER),
    (I, Kind.OUT_OF_PLACE): (C, Action.REFUSE_ORDER),
    (I, Kind.BAD): (C, Action.REFUSE_BAD),
    (I, Kind.LATE): (C, Action.REFUSE_LATE),
    (P, Kind.KNOWN): (C, Action.REFUSE_ORDER),
    (P, Kind.UNKNOWN): (C, Action.REFUSE_ORDER),
    (P, Kind.REVOKED): (C, Action.REFUSE_REVOKED),
    (P, Kind.WRONG_VERSION): (C, Action.REFUSE_VERSION),
    (P, Kind.PROVED): (B, Action.BIND),
    (P, Kind.UNPROVED): (C, Action.REFUSE_PROOF),
    (P, Kind.OUT_OF_PLACE): (C, Action.REFUSE_ORDER),
    (P, Kind.BAD): (C, Action.REFUSE_BAD),
    (P, Kind.LATE): (C, Action.REFUSE_LATE),
    **{(over, kind): (over, Action.NOTHING) for over in (B, C) for kind in Kind},
}

_REFUSALS: dict[Action, tuple[ErrorCode, str]] = {
    Action.REFUSE_UNKNOWN: ("device_unknown", "This PC does not know this device. Pair it."),
    Action.REFUSE_REVOKED: ("device_revoked", "This device was removed. Pair it again."),
    Action.REFUSE_PROOF: ("proof_wrong", "The proof is not of this device and this connection."),
    Action.REFUSE_ORDER: ("malformed", "That message has no place here."),
    Action.REFUSE_LATE: ("too_late", "The proof took too long. Connect again."),
}


@dataclass(frozen=True)
class Fingerprints:
    """SHA-256 of both ends' certificates, 32 bytes each, from the enforced descriptions."""

    home: bytes
    device: bytes


@dataclass(frozen=True)
class Send:
    """Send this."""

    message: FromHome


@dataclass(frozen=True)
class Open:
    """Serve chats of this device's person. `code` is what the verify pages of both ends show."""

    device: Device
    code: str


Effect = Send | Open


class Connect:
    """One connection's beginning. `now_ms` is of any clock that only grows.

    The shell closes the channel once the state is `CLOSED` and what was to be sent is sent, and
    cuts a bound connection when its device is revoked.
    """

    def __init__(
        self,
        home: keys.HomeSigner,
        devices: Devices,
        fingerprints: Fingerprints,
        nonce: bytes,
        now_ms: int,
    ) -> None:
        """Await an introduction. `nonce` is 32 random bytes, used for no other connection."""
        self.state = State.AWAITING_INTRODUCTION
        self._home = home
        self._devices = devices
        self._fingerprints = fingerprints
        self._nonce = nonce
        self._ends_ms = now_ms + CONNECT_MS
        self._device: Device | None = None
        self._transcript: Transcript | None = None

    @property
    def device(self) -> Device | None:
        """Who introduced itself as known; whether it is, only `BOUND` says."""
        return self._device

    def receive(self, message: ToHome, now_ms: int) -> list[Effect]:
        """Take a message; give what to do, in order."""
        if late := self.tick(now_ms):
            return late
        match message:
            case Introduce():
                return self._introduced(message)
            case Prove():
                return self._step(self._judge(message), prove=message)
            case _:
                return self._step(Kind.OUT_OF_PLACE)

    def receive_bad(self, error: ProtocolError, now_ms: int) -> list[Effect]:
        """Take bytes that are not a message of this road, a chat's among them."""
        return self.tick(now_ms) or self._step(Kind.BAD, error=error)

    def tick(self, now_ms: int) -> list[Effect]:
        """Notice that time has passed."""
        return self._step(Kind.LATE) if now_ms >= self._ends_ms else []

    def _introduced(self, message: Introduce) -> list[Effect]:
        try:
            check_version(message.version, VERSION)
        except UnsupportedVersion as error:
            return self._step(Kind.WRONG_VERSION, error=error)
        device = self._devices.find(message.device)
        if device is None:
            return self._step(Kind.UNKNOWN)
        if device.revoked:
            return self._step(Kind.REVOKED)
        return self._step(Kind.KNOWN, introduce=message, device=device)

    def _judge(self, message: Prove) -> Kind:
        if self._transcript is None or self._device is None:
            return Kind.OUT_OF_PLACE
        if self._devices.find(self._device.id) != self._device:
            return Kind.REVOKED  # While it proved itself.
        nonce = base64url.from_text(message.nonce)
        signature = base64url.from_text(message.signature)
        opened = commitment(self._device.key, nonce) == self._transcript.commitment
        signed = keys.verify(self._device.key, signature, self._transcript.of("device"))
        return Kind.PROVED if opened and signed else Kind.UNPROVED

    def _step(
        self,
        kind: Kind,
        *,
        introduce: Introduce | None = None,
        device: Device | None = None,
        prove: Prove | None = None,
        error: ProtocolError | None = None,
    ) -> list[Effect]:
        self.state, action = TABLE[self.state, kind]
        match action:
            case Action.CHALLENGE if introduce is not None and device is not None:
                return [Send(self._challenge(introduce, device))]
            case Action.BIND if prove is not None:
                return [Send(Bound()), self._open(prove)]
            case Action.REFUSE_VERSION | Action.REFUSE_BAD if error is not None:
                return [Send(TrustError(code=error.code, message=str(error)))]
            case _ if action in _REFUSALS:
                code, sentence = _REFUSALS[action]
                return [Send(TrustError(code=code, message=sentence))]
            case _:
                return []

    def _challenge(self, introduce: Introduce, device: Device) -> Challenge:
        self._device = device
        self._transcript = Transcript(
            purpose=Purpose.BIND,
            version=introduce.version,
            home_key=self._home.key,
            device_key=device.key,
            home_fingerprint=self._fingerprints.home,
            device_fingerprint=self._fingerprints.device,
            home_nonce=self._nonce,
            commitment=base64url.from_text(introduce.commitment),
        )
        return Challenge(
            nonce=base64url.to_text(self._nonce),
            signature=base64url.to_text(self._home.sign(self._transcript.of("home"))),
        )

    def _open(self, prove: Prove) -> Open:
        assert self._device is not None and self._transcript is not None  # noqa: S101, PT018
        code = self._transcript.code(base64url.from_text(prove.nonce))
        return Open(self._device, code)


def mermaid() -> str:
    """Draw the table as a mermaid state diagram."""
    return state_diagram.mermaid(TABLE, State.AWAITING_INTRODUCTION, [State.BOUND, State.CLOSED])
