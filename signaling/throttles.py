"""How often what may be asked, by account, by address and by session: one set for all ways in."""

from signaling.config import Settings
from signaling.limits import Limiter

_HOUR = 3600


class Throttles:
    """The limits that an account, an address and a session have, whichever door they try."""

    def __init__(self, settings: Settings) -> None:
        window, tracked = settings.limit_login_window_s, settings.limit_tracked
        self.failures_of_account = Limiter(
            settings.limit_login_failures_per_account, window, tracked
        )
        self.failures_from_address = Limiter(
            settings.limit_login_failures_per_address, window, tracked
        )
        self.registrations_from_address = Limiter(
            settings.limit_registrations_per_hour, _HOUR, tracked
        )
        self.requests_of_session = Limiter(settings.limit_requests_per_session, window, tracked)
        self.requests_from_address = Limiter(settings.limit_requests_per_address, window, tracked)
