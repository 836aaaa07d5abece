"""The access token of a request."""

from aiohttp import web


def bearer(request: web.Request) -> str | None:
    """Give the token in `Authorization` (RFC 6750, section 2.1), which no other site can send."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if kind.lower() == "bearer" else None
