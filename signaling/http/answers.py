"""Bodies of answers."""

from typing import Literal

import msgspec
from aiohttp import web

from protocol import codec
from protocol.accounts import Problem
from protocol.base import Count
from protocol.errors import ErrorCode, ProtocolError
from protocol.signaling import FromVds
from signaling.errors import Refused

_STATUS: dict[ErrorCode, int] = {"too_large": 413}


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """The database is migrated and answers; `homes` says how many homes are connected."""

    status: Literal["ready"] = "ready"
    homes: Count


class LocalHome(msgspec.Struct, frozen=True, kw_only=True):
    """The home runs on this machine too; a browser on it may knock there, at its loopback door."""

    address: str


class PollOpened(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody sits at the signaling server; whoever has this id speaks and hears for them."""

    poll: str


class PollBatch(msgspec.Struct, frozen=True, kw_only=True):
    """The messages from the number that was asked for up to before `next`."""

    next: Count
    messages: list[FromVds]


def answer(value: msgspec.Struct, status: int = 200) -> web.Response:
    """Answer with a struct as JSON that nobody stores."""
    return web.Response(
        body=codec.encode(value),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def done() -> web.Response:
    """Answer that it is done and there is nothing to tell."""
    return web.Response(status=204, headers={"Cache-Control": "no-store"})


def status_of(why: type[Refused] | type[ProtocolError]) -> int:
    """Give the HTTP status of a kind of refusal."""
    return why.status if issubclass(why, Refused) else _STATUS.get(why.code, 400)


def problem(why: Refused | ProtocolError) -> web.Response:
    """Answer with why a request was refused."""
    retry_after_s = why.retry_after_s if isinstance(why, Refused) else None
    body = Problem(code=why.code, message=str(why), retry_after_s=retry_after_s)
    response = answer(body, status_of(type(why)))
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(retry_after_s)
    return response
