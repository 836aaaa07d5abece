"""Who may have an allocation: 'A REST API for access to TURN services', section 2.2."""

from dataclasses import dataclass

from protocol import stun
from protocol.roads import TURN_LIFE_S, turn_password

REALM = "hearth"

_SKEW_S = 60
"""How far the clocks of signaling and of the relay may be apart."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a username says, and the long-term key (RFC 8489, section 9.2.2) that belongs to it."""

    username: str
    user: str
    expires_s: int
    key: bytes

    def may_allocate(self, wall: float) -> bool:
        """Whether a new allocation may be made at this Unix time."""
        return wall <= self.expires_s <= wall + TURN_LIFE_S + _SKEW_S


def read(secret: bytes, username: str) -> Credentials | None:
    """Give the credentials of a name that has the form of ours: `expiry:user`.

    That the asking one has the password is for the caller to check, by the key.
    """
    expiry, colon, user = username.partition(":")
    if not (colon and user and expiry.isascii() and expiry.isdigit() and len(expiry) <= 12):
        return None
    key = stun.long_term_key(username, REALM, turn_password(secret, username))
    return Credentials(username, user, int(expiry), key)
