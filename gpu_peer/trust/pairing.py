"""The home's side of pairing: a device that was invited becomes known.

By secret, all of it happens by itself; by comparing, the person says on both screens that the codes
are equal. The device is registered when each end has accepted the other.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from gpu_peer import state_diagram
from gpu_peer.trust import keys
from gpu_peer.trust.connect import Fingerprints, Send
from gpu_peer.trust.invitation import REASONS, Invitation
from protocol import VERSION, base64url
from protocol.codec import check_version
from protocol.errors import ErrorCode, ProtocolError, UnsupportedVersion
from protocol.transcript import Purpose, Transcript, commitment, key_id
from protocol.trust import (
    PairAccept,
    PairConfirm,
    Paired,
    PairingMethod,
    PairOffer,
    PairRequest,
    PairReveal,
    ToHome,
    TrustError,
)

SECRET_MS = 10_000
"""By secret nobody is waited for."""

COMPARE_MS = 120_000
"""By comparing, people are."""

PURPOSES: dict[PairingMethod, Purpose] = {
    "secret": Purpose.PAIR_SECRET,
    "compare": Purpose.PAIR_COMPARE,
}


class State(Enum):
    """Where a pairing is."""

    AWAITING_REQUEST = "the channel is open, nobody has asked for anything"
    AWAITING_REVEAL = "keys and the home's nonce are known, the device's nonce is not"
    COMPARING = "both screens show the code"
    AWAITING_CONFIRMATION = "the home has accepted the device"
    REGISTERING = "the device has accepted the home, and is being written down"
    PAIRED = "the device is known"
    CLOSED = "over; nothing is answered any more"


class Kind(Enum):
    """What can happen to it."""

    REQUESTED = "request, invited"
    WRONG_VERSION = "request in another version"
    KNOWS_SECRET = "nonce and right secret"  # noqa: S105  # a sentence
    SHOWS_NONCE = "nonce"
    NOT_INVITED = "no invitation, or a wrong secret"
    BROKEN = "another nonce than committed to"
    APPROVED = "codes are equal, says the person"
    DECLINED = "no, says the person"
    CONFIRMED = "right confirmation"
    UNCONFIRMED = "wrong confirmation"
    STORED = "on disk"
    NOT_STORED = "not to be written down"
    OUT_OF_PLACE = "any other message"
    BAD = "not a message"
    LATE = "too late"


class Action(Enum):
    """What to do about it."""

    OFFER = "offer"
    SHOW = "show the code"
    ACCEPT = "sign, accept"
    REGISTER = "register"
    FINISH = "paired"
    REFUSE_VERSION = "refuse: unsupported_version"
    REFUSE_REASON = "refuse: pairing_ and why"
    REFUSE_PROOF = "refuse: proof_wrong"
    REFUSE_DECLINED = "refuse: pairing_declined"
    REFUSE_LIST = "refuse: and why"
    REFUSE_ORDER = "refuse: malformed"
    REFUSE_BAD = "refuse: malformed, unknown_type or too_large"
    REFUSE_LATE = "refuse: too_late"
    NOTHING = "nothing"


Q, V, M, F, R, D, C = State  # short, so that the table reads as one

_SPECIAL: dict[tuple[State, Kind], tuple[State, Action]] = {
    (Q, Kind.REQUESTED): (V, Action.OFFER),
    (Q, Kind.WRONG_VERSION): (C, Action.REFUSE_VERSION),
    (Q, Kind.NOT_INVITED): (C, Action.REFUSE_REASON),
    (V, Kind.KNOWS_SECRET): (F, Action.ACCEPT),
    (V, Kind.SHOWS_NONCE): (M, Action.SHOW),
    (V, Kind.NOT_INVITED): (C, Action.REFUSE_REASON),
    (V, Kind.BROKEN): (C, Action.REFUSE_PROOF),
    (M, Kind.APPROVED): (F, Action.ACCEPT),
    (M, Kind.DECLINED): (C, Action.REFUSE_DECLINED),
    (F, Kind.CONFIRMED): (R, Action.REGISTER),
    (F, Kind.UNCONFIRMED): (C, Action.REFUSE_PROOF),
    (F, Kind.DECLINED): (C, Action.REFUSE_DECLINED),
    (R, Kind.STORED): (D, Action.FINISH),
    (R, Kind.NOT_STORED): (C, Action.REFUSE_LIST),
    (R, Kind.LATE): (R, Action.NOTHING),
}
_OTHERWISE = {
    Kind.OUT_OF_PLACE: (C, Action.REFUSE_ORDER),
    Kind.BAD: (C, Action.REFUSE_BAD),
    Kind.LATE: (C, Action.REFUSE_LATE),
}
TABLE: dict[tuple[State, Kind], tuple[State, Action]] = {
    **{(s, kind): (s, Action.NOTHING) for s in State for kind in Kind},
    **{(s, kind): then for s in (Q, V, M, F, R) for kind, then in _OTHERWISE.items()},
    **_SPECIAL,
}

_REFUSALS: dict[Action, tuple[ErrorCode, str]] = {
    Action.REFUSE_PROOF: ("proof_wrong", "The proof is not of this device and this connection."),
    Action.REFUSE_DECLINED: ("pairing_declined", "The PC's user said no."),
    Action.REFUSE_ORDER: ("malformed", "That message has no place here."),
    Action.REFUSE_LATE: ("too_late", "Pairing took too long. Begin again."),
}


NotStored = Literal["storage_failed", "device_revoked", "device_taken", "list_refused"]
"""Why a device that proved itself cannot be written down."""

_SENTENCES: dict[ErrorCode, str] = {
    **REASONS,
    "storage_failed": "The PC could not save this. Check its disk.",
    "device_revoked": "This device was removed. Let it back in on the PC, under Devices.",
    "device_taken": "This device is paired as another person's. Remove it there before.",
    "list_refused": "The PC could not take this device into its list. Begin again.",
}


@dataclass(frozen=True)
class ShowCode:
    """Show this code, and ask the person whether the device shows the same."""

    code: str
    name: str


@dataclass(frozen=True)
class Register:
    """Write this device down, in place of what is known of the same key; say `stored` then."""

    key: bytes
    name: str
    person: str


Effect = Send | ShowCode | Register


class Pairing:
    """One device's pairing. `now_ms` is of the clock that the invitation was opened with.

    A paired device says `introduce` next, as on any connection.
    """

    def __init__(
        self,
        home: keys.HomeSigner,
        invitation: Invitation | None,
        fingerprints: Fingerprints,
        nonce: bytes,
        now_ms: int,
    ) -> None:
        """Await a request. `nonce` is 32 random bytes, used for no other connection."""
        self.state = State.AWAITING_REQUEST
        self._home = home
        self._invitation = invitation
        self._fingerprints = fingerprints
        self._nonce = nonce
        self._born_ms = now_ms
        self._ends_ms = now_ms + SECRET_MS
        self._request: PairRequest | None = None
        self._transcript: Transcript | None = None
        self._device_nonce = b""

    def receive(self, message: ToHome, now_ms: int) -> list[Effect]:
        """Take a message; give what to do, in order."""
        if late := self.tick(now_ms):
            return late
        match self.state, message:
            case State.AWAITING_REQUEST, PairRequest():
                return self._requested(message, now_ms)
            case State.AWAITING_REVEAL, PairReveal():
                return self._revealed(message, now_ms)
            case State.AWAITING_CONFIRMATION, PairConfirm():
                signature = base64url.from_text(message.signature)
                right = self._signed(signature)
                return self._step(Kind.CONFIRMED if right else Kind.UNCONFIRMED)
            case _:
                return self._step(Kind.OUT_OF_PLACE)

    def receive_bad(self, error: ProtocolError, now_ms: int) -> list[Effect]:
        """Take bytes that are not a message of this road, a chat's among them."""
        return self.tick(now_ms) or self._step(Kind.BAD, error=error)

    def answer(self, equal: bool, now_ms: int) -> list[Effect]:
        """Take the person's answer: the codes are equal, or they are not."""
        return self.tick(now_ms) or self._step(Kind.APPROVED if equal else Kind.DECLINED)

    @property
    def device_id(self) -> str | None:
        """The id of the device that asks; None before it has asked."""
        return None if self._transcript is None else key_id(self._transcript.device_key)

    @property
    def is_let_in(self) -> bool:
        """Whether this connection has used the invitation up."""
        return bool(self._device_nonce)

    def stored(self, reason: NotStored | None = None) -> list[Effect]:
        """Take the end of `Register`: it is on disk, or why it is not."""
        return self._step(Kind.STORED if reason is None else Kind.NOT_STORED, reason=reason)

    def tick(self, now_ms: int) -> list[Effect]:
        """Notice that time has passed."""
        return self._step(Kind.LATE) if now_ms >= self._ends_ms else []

    def _requested(self, request: PairRequest, now_ms: int) -> list[Effect]:
        try:
            check_version(request.version, VERSION)
        except UnsupportedVersion as error:
            return self._step(Kind.WRONG_VERSION, error=error)
        if self._invitation is None:
            return self._step(Kind.NOT_INVITED, reason="pairing_closed")
        if reason := self._invitation.reason_against(request.method, now_ms):
            return self._step(Kind.NOT_INVITED, reason=reason)
        self._request = request
        if request.method == "compare":
            self._ends_ms = self._born_ms + COMPARE_MS
        self._transcript = Transcript(
            purpose=PURPOSES[request.method],
            version=request.version,
            home_key=self._home.key,
            device_key=base64url.from_text(request.key),
            home_fingerprint=self._fingerprints.home,
            device_fingerprint=self._fingerprints.device,
            home_nonce=self._nonce,
            commitment=base64url.from_text(request.commitment),
        )
        return self._step(Kind.REQUESTED)

    def _revealed(self, message: PairReveal, now_ms: int) -> list[Effect]:
        request, transcript, invitation = self._known()
        nonce = base64url.from_text(message.nonce)
        if commitment(transcript.device_key, nonce) != transcript.commitment:
            return self._step(Kind.BROKEN)
        mac = None if message.mac is None else base64url.from_text(message.mac)
        if reason := invitation.let_in(request.method, transcript.of("device"), mac, now_ms):
            return self._step(Kind.NOT_INVITED, reason=reason)
        self._device_nonce = nonce
        by_secret = request.method == "secret"
        return self._step(Kind.KNOWS_SECRET if by_secret else Kind.SHOWS_NONCE)

    def _signed(self, signature: bytes) -> bool:
        _, transcript, _ = self._known()
        return keys.verify(transcript.device_key, signature, transcript.of("device"))

    def _step(
        self,
        kind: Kind,
        error: ProtocolError | None = None,
        reason: ErrorCode | None = None,
    ) -> list[Effect]:
        self.state, action = TABLE[self.state, kind]
        match action:
            case Action.OFFER:
                key, nonce = base64url.to_text(self._home.key), base64url.to_text(self._nonce)
                return [Send(PairOffer(key=key, nonce=nonce))]
            case Action.SHOW:
                request, transcript, _ = self._known()
                return [ShowCode(transcript.code(self._device_nonce), request.name)]
            case Action.ACCEPT:
                return [Send(self._accept())]
            case Action.REGISTER:
                request, transcript, invitation = self._known()
                return [Register(transcript.device_key, request.name, invitation.person)]
            case Action.FINISH:
                return [Send(Paired())]
            case Action.REFUSE_VERSION | Action.REFUSE_BAD if error is not None:
                return [Send(TrustError(code=error.code, message=str(error)))]
            case Action.REFUSE_REASON | Action.REFUSE_LIST if reason is not None:
                return [Send(TrustError(code=reason, message=_SENTENCES[reason]))]
            case _ if action in _REFUSALS:
                code, sentence = _REFUSALS[action]
                return [Send(TrustError(code=code, message=sentence))]
            case _:
                return []

    def _accept(self) -> PairAccept:
        _, transcript, invitation = self._known()
        proved = transcript.of("home")
        mac = invitation.prove(proved)
        return PairAccept(
            signature=base64url.to_text(self._home.sign(proved)),
            mac=None if mac is None else base64url.to_text(mac),
        )

    def _known(self) -> tuple[PairRequest, Transcript, Invitation]:
        """Give what every state after the first has."""
        assert self._request and self._transcript and self._invitation  # noqa: S101, PT018
        return self._request, self._transcript, self._invitation


def mermaid() -> str:
    """Draw the table as a mermaid state diagram."""
    ends = [State.PAIRED, State.CLOSED]
    return state_diagram.mermaid(TABLE, State.AWAITING_REQUEST, ends)
