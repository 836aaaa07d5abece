"""The HTTP interface as a table, and the OpenAPI 3.1 document made from it.

The document is written to `openapi.json`; tests hold both it and the real handlers to this table.
"""

from typing import Any

import msgspec

import protocol
from protocol.accounts import Credentials, Problem, Registration, Session
from protocol.errors import Malformed, ProtocolError
from signaling import errors
from signaling.http.answers import Health, Ready, status_of
from signaling.tokens import Jwks

Json = dict[str, Any]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path: what it takes, what it gives, and how it may refuse."""

    id: str
    method: str
    path: str
    summary: str
    body: type[msgspec.Struct] | None = None
    status: int = 200
    gives: type[msgspec.Struct] | None = None
    media: str = "application/json"
    refuses: tuple[type[errors.Refused] | type[ProtocolError], ...] = ()
    needs_session: bool = False


_WRITE = (errors.OriginRefused, errors.StorageFailed, errors.Internal)

OPERATIONS = (
    Operation(
        id="register",
        method="post",
        path="/api/accounts",
        summary="Create an account and log in",
        body=Registration,
        status=201,
        gives=Session,
        refuses=(
            Malformed,
            errors.UsernameTaken,
            errors.BodyTooLarge,
            errors.RateLimited,
            *_WRITE,
        ),
    ),
    Operation(
        id="logIn",
        method="post",
        path="/api/session",
        summary="Log in",
        body=Credentials,
        gives=Session,
        refuses=(
            Malformed,
            errors.WrongCredentials,
            errors.BodyTooLarge,
            errors.RateLimited,
            *_WRITE,
        ),
    ),
    Operation(
        id="refresh",
        method="post",
        path="/api/session/refresh",
        summary="Get a new access token; the refresh token in the cookie is exchanged too",
        gives=Session,
        refuses=(errors.NotLoggedIn, errors.SessionRevoked, *_WRITE),
        needs_session=True,
    ),
    Operation(
        id="logOut",
        method="delete",
        path="/api/session",
        summary="Log out: the session ends, its sockets close, the cookie is gone",
        status=204,
        refuses=_WRITE,
        needs_session=True,
    ),
    Operation(
        id="signaling",
        method="get",
        path="/api/signaling",
        summary="Open the signaling WebSocket (RFC 6455); its messages are in protocol/schema.json",
        status=101,
        refuses=(Malformed, errors.OriginRefused, errors.TooManyConnections),
    ),
    Operation(
        id="describe",
        method="get",
        path="/api/openapi.json",
        summary="This document",
    ),
    Operation(
        id="keys",
        method="get",
        path="/.well-known/jwks.json",
        summary="The public keys that verify access tokens (RFC 7517)",
        gives=Jwks,
    ),
    Operation(
        id="healthy",
        method="get",
        path="/healthz",
        summary="Whether the process answers",
        gives=Health,
    ),
    Operation(
        id="ready",
        method="get",
        path="/readyz",
        summary="Whether the database answers, and how many homes are connected",
        gives=Ready,
        refuses=(errors.StorageFailed,),
    ),
    Operation(
        id="metrics",
        method="get",
        path="/metrics",
        summary="Figures for Prometheus",
        media="text/plain",
    ),
)


def document() -> Json:
    """Give the OpenAPI 3.1 document."""
    shapes = {Problem, *(s for o in OPERATIONS for s in (o.body, o.gives) if s is not None)}
    _, schemas = msgspec.json.schema_components(
        sorted(shapes, key=lambda shape: shape.__name__),
        ref_template="#/components/schemas/{name}",
    )
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _describe(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hearth signaling",
            "version": str(protocol.VERSION),
            "description": "Accounts and introductions. No word of a chat passes here. "
            "A request that changes something must carry the Origin of the server's own pages.",
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "__Host-hearth",
                    "description": "The refresh token. Over plain http the name is `hearth`.",
                }
            },
        },
    }


def _describe(operation: Operation) -> Json:
    described: Json = {
        "operationId": operation.id,
        "summary": operation.summary,
        "responses": _responses(operation),
    }
    if operation.body:
        described["requestBody"] = {"required": True, "content": _content(operation.body)}
    if operation.needs_session:
        described["security"] = [{"session": []}]
    return described


def _responses(operation: Operation) -> Json:
    good: Json = {"description": operation.summary}
    if operation.gives:
        good["content"] = _content(operation.gives)
    elif operation.status == 200:
        good["content"] = {operation.media: {}}
    reasons: dict[int, list[str]] = {}
    for why in operation.refuses:
        reasons.setdefault(status_of(why), []).append(f"`{why.code}`")
    refusals = {
        str(status): {"description": ", ".join(codes), "content": _content(Problem)}
        for status, codes in sorted(reasons.items())
    }
    return {str(operation.status): good, **refusals}


def _content(shape: type[msgspec.Struct]) -> Json:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{shape.__name__}"}}}
