"""An invitation: what a person opens on the PC so that one device can pair."""

import hmac

from protocol import transcript
from protocol.errors import ErrorCode
from protocol.trust import PairingMethod

LIFE_MS = 120_000
WRONG_TRIES = 10
"""So many wrong secrets lock an invitation."""

REASONS: dict[ErrorCode, str] = {
    "pairing_closed": "The PC is not waiting for a device to pair this way. Begin on the PC.",
    "pairing_expired": "The code has expired. Make a new one on the PC.",
    "pairing_used": "The code was used. Make a new one on the PC.",
    "pairing_locked": "Too many wrong codes. Make a new one on the PC.",
    "pairing_code_wrong": "The code is wrong. Check it and try again.",
}
"""Why no device is let in, for its person to read."""


class Invitation:
    """Good for one device, once, for two minutes. All connections share it.

    A device that fails after it was let in has used it up: nothing is ever open for longer than a
    person looks at it, and opening the next one is one click.
    """

    def __init__(self, person: str, secret: bytes | None, now_ms: int) -> None:
        """Open it.

        Args:
            person: Whose the device will be.
            secret: SECRET_BYTES random bytes; None, to compare a code instead.
            now_ms: Of the clock that the machines are handed.
        """
        self.person = person
        self.method: PairingMethod = "compare" if secret is None else "secret"
        self._secret = secret
        self._ends_ms = now_ms + LIFE_MS
        self._wrong = 0
        self._used = False

    @property
    def is_used(self) -> bool:
        """Whether a device was let in by it."""
        return self._used

    @property
    def is_locked(self) -> bool:
        """Whether too many wrong secrets were tried."""
        return self._wrong >= WRONG_TRIES

    def reason_against(self, method: PairingMethod, now_ms: int) -> ErrorCode | None:
        """Say why no device can be let in by this method now, if so."""
        if self._used:
            return "pairing_used"
        if now_ms >= self._ends_ms:
            return "pairing_expired"
        if self.is_locked:
            return "pairing_locked"
        return None if method == self.method else "pairing_closed"

    def let_in(
        self, method: PairingMethod, proved: bytes, mac: bytes | None, now_ms: int
    ) -> ErrorCode | None:
        """Use the invitation up for one device, or say why not. A wrong secret is counted.

        Args:
            method: How the device wants to pair.
            proved: The transcript that the device's MAC is over.
            mac: Its MAC; by comparing there is none.
            now_ms: As above.
        """
        reason = self.reason_against(method, now_ms)
        if reason is not None:
            return reason
        if self._secret is not None:
            expected = transcript.mac(self._secret, proved)
            if mac is None or not hmac.compare_digest(expected, mac):
                self._wrong += 1
                return "pairing_code_wrong"
        self._used = True
        return None

    def prove(self, proved: bytes) -> bytes | None:
        """Give the home's own MAC, where there is a secret."""
        return None if self._secret is None else transcript.mac(self._secret, proved)
