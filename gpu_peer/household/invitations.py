"""The one invitation that is open, and whoever opened it."""

import secrets
from collections.abc import Callable
from typing import Protocol

from gpu_peer.clock import Clock, Timer
from gpu_peer.trust.invitation import LIFE_MS, REASONS, Invitation
from gpu_peer.trust.pairing import ShowCode
from protocol import crockford
from protocol.errors import ErrorCode
from protocol.household import InvitationEnded, PairingAsked
from protocol.transcript import SECRET_BYTES
from protocol.trust import PairingMethod

Answer = Callable[[bool], None]
"""Takes whether the codes are equal."""


class Host(Protocol):
    """Whoever opened an invitation, and is told what becomes of it."""

    def tell(self, news: PairingAsked | InvitationEnded) -> None:
        """Take the news. Must not wait."""


class Invitations:
    """At most one is open: what is open is what a person looks at."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.current: Invitation | None = None
        self._host: Host | None = None
        self._answer: Answer | None = None
        self._timer: Timer | None = None

    def open(self, person: str, method: PairingMethod, host: Host) -> str | None:
        """Open one; the one before is over, and its host told, where it is another.

        Returns:
            The secret as people type it, without dashes; None where codes are compared.
        """
        closed = InvitationEnded(code="pairing_closed", message=REASONS["pairing_closed"])
        # Who asks for another knows that the one before is over, and would take this for the new.
        self._end(None if host is self._host else closed)
        secret = secrets.token_bytes(SECRET_BYTES) if method == "secret" else None
        self.current = Invitation(person, secret, self.now_ms())
        self._host = host
        self._timer = self._clock.call_later(LIFE_MS / 1000, self._expire)
        return None if secret is None else crockford.to_text(secret).replace("-", "")

    def ask(self, invitation: Invitation, shown: ShowCode, answer: Answer) -> None:
        """Have the host asked whether the device's code is this one."""
        if invitation is not self.current or self._host is None:
            answer(False)
            return
        self._answer = answer
        self._host.tell(PairingAsked(code=shown.code.replace("-", ""), name=shown.name))

    def answer(self, host: Host, equal: bool) -> bool:
        """Take the host's answer. False where nobody asked."""
        if host is not self._host or self._answer is None:
            return False
        answer, self._answer = self._answer, None
        answer(equal)
        return True

    def close(self, host: Host) -> None:
        """End what this host opened. A device that waits for an answer gets a 'no'."""
        if host is self._host:
            self._end(None)
            self.current = None

    def paired(self, invitation: Invitation, device: str) -> None:
        """A device came in by it."""
        if invitation is self.current:
            self._end(InvitationEnded(device=device))

    def failed(self, invitation: Invitation, code: ErrorCode, message: str) -> None:
        """The device that was let in by it did not come to the end, or it is locked."""
        if invitation is self.current:
            self._end(InvitationEnded(code=code, message=message))

    def now_ms(self) -> int:
        """Give the time by which invitations are opened and end."""
        return int(self._clock.now_s() * 1000)

    def _expire(self) -> None:
        # One that is used goes on: its device or a person has the last word, in their own time.
        if self.current is not None and not self.current.is_used:
            self._end(InvitationEnded(code="pairing_expired", message=REASONS["pairing_expired"]))

    def _end(self, news: InvitationEnded | None) -> None:
        """Tell the host. The invitation stays, so that who comes late is told why it is over."""
        host, answer = self._host, self._answer
        self._host = self._answer = None
        if self._timer is not None:
            self._timer.cancel()
        if answer is not None:
            answer(False)
        if host is not None and news is not None:
            host.tell(news)
