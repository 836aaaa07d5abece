"""Doors for browsers on the PC itself: no QR and no password, since they are there already."""

from collections.abc import Callable
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
        if not _is_navigation(request):
            return refuse(403, _FOR_TABS)
        secret = self._door.first_invitation() if self._gives else None
        fragment = "" if secret is None else f"#{self._door.home_id}.{secret}"
        return _sent_on(self._page + fragment)


class LogIn:
    """The handler of `/login`: sends a browser on to the app with the home's word for it."""

    def __init__(self, assertion: Callable[[], str], origin: str) -> None:
        """`assertion` signs one that is good for a minute and once; `origin` is the app's."""
        self._assertion = assertion
        self._page = f"{origin}/login"
        # As above: a VDS elsewhere does not take the home's word for who sits at the PC.
        self._gives = urlsplit(origin).hostname in LOOPBACK

    async def open(self, request: web.Request) -> web.Response:
        """GET /login."""
        if not _is_navigation(request):
            return refuse(403, _FOR_TABS)
        return _sent_on(f"{self._page}#{self._assertion()}" if self._gives else self._page)


_FOR_TABS = "This address is for a browser's address bar."


def _is_navigation(request: web.Request) -> bool:
    """Whether it is a tab: no page may draw it, load it or look at what it answers."""
    mode = request.headers.get("Sec-Fetch-Mode", "navigate")
    return (mode, request.headers.get("Sec-Fetch-Dest", "document")) == ("navigate", "document")


def _sent_on(place: str) -> web.Response:
    return web.Response(status=302, headers={"Location": place})
