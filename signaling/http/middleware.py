"""What happens around every request: headers, origin, errors as Problems, figures, a log line."""

import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from protocol.errors import Malformed, ProtocolError
from signaling.config import Settings
from signaling.errors import BodyTooLarge, Internal, NotFound, OriginRefused, Refused
from signaling.http.answers import problem
from signaling.metrics import Metrics

_log = structlog.get_logger("signaling.http")

POLLS = "/api/signaling/poll"
_WAITS = ("GET", f"{POLLS}/{{poll}}")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_PERMISSIONS = (
    "accelerometer=(), bluetooth=(), browsing-topics=(), camera=(self), display-capture=(), "
    "geolocation=(), gyroscope=(), hid=(), local-network=(self), local-network-access=(self), "
    "magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()"
)


def security_headers(settings: Settings) -> dict[str, str]:
    """Give the headers of every answer."""
    # 'self' covers a WebSocket of the same host only in newer browsers, so it is named too.
    sockets = " ".join(sorted("ws" + origin[4:] for origin in settings.origins))
    if settings.local_home and settings.is_loopback:  # elsewhere it would be the visitor's machine
        sockets += f" ws://127.0.0.1:{urlsplit(settings.local_home).port or 80}"
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data: blob:",
        "font-src": "'self'",
        "connect-src": f"'self' {sockets}",
        "manifest-src": "'self'",
        "worker-src": "'self'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        # A string becomes HTML or code only through Vue's own policy and the app's, which let
        # nothing but the service worker's address through.
        "require-trusted-types-for": "'script'",
        "trusted-types": "vue hearth",
    }
    headers = {
        "Content-Security-Policy": "; ".join(f"{key} {value}" for key, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": _PERMISSIONS,
    }
    if settings.https:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return headers


def add_headers(
    settings: Settings,
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Make the signal handler that puts the security headers on every answer with a body."""
    headers = security_headers(settings)

    async def on_prepare(_request: web.Request, response: web.StreamResponse) -> None:
        if response.status == 101:  # no page to protect, and a socket keeps its headers for life
            return
        response.headers.update(headers)
        response.headers.pop("Server", None)

    return on_prepare


def observe(metrics: Metrics) -> Middleware:
    """Count and log each request by its route, never by its path."""

    @web.middleware
    async def observed(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        status = 500
        try:
            response = await handler(request)
            status = response.status
            return response
        finally:
            took = time.perf_counter() - began
            resource = request.match_info.route.resource
            route = resource.canonical if resource else "none"
            method = request.method if request.method in _KNOWN_METHODS else "other"
            # The life of a socket, or waiting for a message, is not the time of an answer.
            if status != 101 and (method, route) != _WAITS:
                metrics.seconds.observe(took)
            metrics.requests.labels(method, route, status).inc()
            level = _log.info if route.startswith("/api/") else _log.debug
            level("request", method=method, route=route, status=status, ms=round(took * 1e3, 1))

    return observed


_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"})


def problems(metrics: Metrics) -> Middleware:
    """Answer every refusal, and every mistake of ours, with a Problem."""

    @web.middleware
    async def explained(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except (Refused, ProtocolError) as error:
            why: Refused | ProtocolError = error
        except web.HTTPRequestEntityTooLarge:
            why = BodyTooLarge()
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            why = NotFound()
        except web.HTTPException as error:
            if error.status < 400:
                raise
            why = Malformed("The request is malformed.")
        except Exception as error:
            _log.error("request_failed", error=type(error).__name__, exc_info=True)
            why = Internal()
        metrics.refused.labels(why.code).inc()
        return problem(why)

    return explained


def require_origin(settings: Settings) -> Middleware:
    """Refuse a request that changes something unless a page of ours makes it.

    A home, which is no page, may poll as it may open a socket; a browser always says its origin.
    """

    @web.middleware
    async def checked(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method not in _SAFE:
            origin = request.headers.get("Origin")
            resource = request.match_info.route.resource
            for_homes = resource is not None and resource.canonical.startswith(POLLS)
            if origin not in settings.origins and not (origin is None and for_homes):
                raise OriginRefused
        return await handler(request)

    return checked
