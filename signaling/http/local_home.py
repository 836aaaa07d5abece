"""Where a browser on the home's own PC finds the home; only what the settings say."""

from aiohttp import web

from signaling.config import Settings
from signaling.errors import NotFound
from signaling.http.answers import LocalHome, answer


class LocalHomeHandler:
    """The handler of `/api/local-home`."""

    def __init__(self, settings: Settings) -> None:
        self._address = settings.local_home

    async def tell(self, _request: web.Request) -> web.Response:
        """GET /api/local-home.

        Raises:
            NotFound: the home is elsewhere, as it is for every VDS.
        """
        if not self._address:
            raise NotFound
        return answer(LocalHome(address=self._address))
