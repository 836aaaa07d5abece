"""The door for the PC's first browser: no QR, since it is on the PC already."""

from typing import Protocol
from urllib.parse import urlsplit

from aiohttp import web

from gpu_peer.config import LOOPBACK
from gpu_peer.local.gate import refuse


class Door(Protocol):
    """What the door asks the household."""

    @property
    def home_id(self) -> str:
        """The home's id, 32 hexadecimal digits."""

    def first_invitation(self) -> str | None:
        """Give a secret of an invitation for the owner; None once any device was ever paired."""


class FirstBrowser:
    """The handler of `/pair`: sends a browser on to the app, the first one with an invitation."""

    def __init__(self, door: Door, origin: str) -> None:
        """`origin` is the app's, and the only place that anybody is sent to."""
        self._door = door
        self._page = f"{origin}/pair"
        # Whoever serves a page can read its address. A VDS elsewhere could have the browser fetch
        # an invitation for it, so there only a person at the PC opens one.
        self._gives = urlsplit(origin).hostname in LOOPBACK

    async def open(self, request: web.Request) -> web.Response:
        """GET /pair."""
        # A page of somebody else may not draw it, load it or look at what it answers.
        if request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate":
            return refuse(403, "This address is for a browser's address bar.")
        if request.headers.get("Sec-Fetch-Dest", "document") != "document":
            return refuse(403, "This address is for a browser's address bar.")
        secret = self._door.first_invitation() if self._gives else None
        fragment = "" if secret is None else f"#{self._door.home_id}.{secret}"
        return web.Response(status=302, headers={"Location": self._page + fragment})
