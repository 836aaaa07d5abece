"""Assertions of homes: each is believed once, whichever door it is shown at."""

from signaling.clock import Clock
from signaling.config import Settings
from signaling.tokens import HOME_TYPE, HomeClaims, Replays, verify_home


class Homes:
    """The homes that are admitted here, and what they have said already."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._keys = settings.homes
        self._origin = settings.canonical_origin
        self._clock = clock
        self._replays = Replays(settings.limit_tracked)

    def believe(self, assertion: str, typ: str = HOME_TYPE) -> HomeClaims:
        """Give what a home says of itself or, of another type, of its owner.

        Raises:
            TokenInvalid: not an admitted home's, for another server, or shown before.
            TokenExpired: too old, or the home's clock is wrong.
            RateLimited: more are in use at once than are remembered.
        """
        now = self._clock.wall()
        claims = verify_home(assertion, self._keys, self._origin, now, typ)
        self._replays.use(claims, now)
        return claims
