"""What holds for every request to the server on 127.0.0.1."""

import re

from aiohttp import web
from aiohttp.typedefs import Handler

_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@web.middleware
async def require_loopback_name(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a page whose own name was made to lead here (DNS rebinding)."""
    hosts = request.headers.getall("Host", [])
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        return refuse(403, "This server answers to localhost only.")
    return await handler(request)


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Put on every answer what keeps it from being stored, framed or read by others."""
    if response.status != 101:
        response.headers.update(_HEADERS)
        response.headers.pop("Server", None)


def refuse(status: int, sentence: str) -> web.Response:
    """Answer with a sentence."""
    return web.Response(status=status, text=f"{sentence}\n")
