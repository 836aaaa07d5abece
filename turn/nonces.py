"""Nonces (RFC 8489, section 9.2) that nobody has to remember."""

import hashlib
import hmac
import secrets

from protocol.stun import Address

LIFE_S = 600
"""As long as credentials: whoever holds a nonce for longer asks again, which costs a round trip."""

_FEATURES = "obMatJos2AAAA"
"""The nonce cookie, and the set of security features that are offered: none."""


class Nonces:
    """Makes nonces and knows its own again; each is one address's for a time.

    A nonce is the moment of its making and a MAC over that and the address, so strangers asking for
    nonces take no memory.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)

    def make(self, address: Address, now: float) -> str:
        """Give a nonce for whoever asks from this address."""
        return self._made_at(address, int(now))

    def is_fresh(self, nonce: str, address: Address, now: float) -> bool:
        """Whether it was made here, for this address, not too long ago."""
        try:
            at = int(nonce[len(_FEATURES) : len(_FEATURES) + 8], 16)
        except ValueError:
            return False
        ours = self._made_at(address, at)
        return hmac.compare_digest(nonce.encode(), ours.encode()) and 0 <= now - at <= LIFE_S

    def _made_at(self, address: Address, at: int) -> str:
        made = f"{at:08x}"
        mac = hmac.digest(self._key, f"{made} {address[0]} {address[1]}".encode(), hashlib.sha256)
        return _FEATURES + made + mac[:10].hex()
