"""Who may use the relay, and with what credentials. Knows nothing of HTTP.

A person may once a home has vouched for one of their rooms: an account alone, which anybody can
make, opens nobody's relay.
"""

from protocol.roads import TURN_LIFE_S, RelayAccess, turn_password, turn_username
from signaling.clock import Clock
from signaling.config import Settings
from signaling.storage import Storage

VOUCHED_S = 365 * 24 * 3600
"""How long a home's word for a room holds; it says it anew with each connection."""


class Relay:
    """The relay of this server, if it has one: then there is a secret shared with it."""

    def __init__(
        self, *, settings: Settings, storage: Storage, secret: bytes | None, clock: Clock
    ) -> None:
        self._homes = settings.homes
        self._storage = storage
        self._secret = secret
        self._clock = clock
        self._stun, self._turn = relay_urls(settings) if secret else ([], [])

    async def for_person(self, user: str) -> RelayAccess:
        """Give a person access; STUN alone, where no home of theirs has vouched for them lately."""
        since = self._clock.wall() - VOUCHED_S
        rooms = await self._storage.rooms_of_user(user)
        vouched = any(room.home in self._homes and room.vouched_at > since for room in rooms)
        return self._access(user if vouched else None)

    def for_home(self, home: str) -> RelayAccess:
        """Give a home access."""
        return self._access(f"home:{home}")

    def _access(self, user: str | None) -> RelayAccess:
        if user is None or self._secret is None:
            return RelayAccess(stun=self._stun, turn=[], expires_in_s=TURN_LIFE_S)
        username = turn_username(user, int(self._clock.wall()) + TURN_LIFE_S)
        return RelayAccess(
            stun=self._stun,
            turn=self._turn,
            username=username,
            credential=turn_password(self._secret, username),
            expires_in_s=TURN_LIFE_S,
        )


def relay_urls(settings: Settings) -> tuple[list[str], list[str]]:
    """Give the relay's STUN and TURN addresses (RFC 7064, RFC 7065)."""
    name = f"[{settings.turn_name}]" if ":" in settings.turn_name else settings.turn_name
    plain = f"{name}:{settings.turn_port}"
    turn = [f"turn:{plain}?transport=udp", f"turn:{plain}?transport=tcp"]
    if settings.turn_certificate:
        turn.append(f"turns:{name}:{settings.turn_tls_port}?transport=tcp")
    return [f"stun:{plain}"], turn
