"""The OpenAPI 3.1 document, made from the table of operations.

It is written to `openapi.json`; tests hold the file to the document.
"""

import re
from typing import Any

import msgspec

import protocol
from protocol.accounts import Problem
from signaling.http.answers import status_of
from signaling.operations import OPERATIONS, Operation

Json = dict[str, Any]

_REF = "#/components/schemas/{name}"


def document() -> Json:
    """Give the OpenAPI 3.1 document."""
    shapes = [Problem, *(s for o in OPERATIONS for s in (o.body, o.gives) if s is not None)]
    _, schemas = msgspec.json.schema_components(shapes, ref_template=_REF)
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
                },
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
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
    if operation.needs_token:
        described["security"] = [{"token": []}]
    parameters: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]
    if operation.query:
        number = {"type": "integer", "minimum": 0}
        parameters.append({"name": operation.query, "in": "query", "schema": number})
    if parameters:
        described["parameters"] = parameters
    return described


def _responses(operation: Operation) -> Json:
    good: Json = {"description": operation.summary}
    if operation.gives:
        good["content"] = _content(operation.gives)
    elif operation.status == 200:
        good["content"] = {"application/json": {}}
    reasons: dict[int, list[str]] = {}
    for why in operation.refuses:
        reasons.setdefault(status_of(why), []).append(f"`{why.code}`")
    refusals = {
        str(status): {"description": ", ".join(codes), "content": _content(Problem)}
        for status, codes in sorted(reasons.items())
    }
    return {str(operation.status): good, **refusals}


def _content(shape: object) -> Json:
    (schema,), _ = msgspec.json.schema_components((shape,), ref_template=_REF)
    return {"application/json": {"schema": schema}}
