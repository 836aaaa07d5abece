"""Long polling as a `Link`, for where something between lets no WebSocket through.

docs/protocol.md, Signaling, has the requests. A home names no origin in them, since it is no page.
The address of a poll is its secret: it stands in no log.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import aiohttp
import msgspec

from gpu_peer.transports.backoff import FIRST_S
from gpu_peer.transports.http_body import read_body
from protocol import codec, limits
from protocol.accounts import Problem
from protocol.errors import ProtocolError
from protocol.signaling import Authenticate, SignalingError, ToVds

T = TypeVar("T")

PATH = "/api/signaling/poll"

ASK_S = 35.0
"""So long may one request take: the server answers after 25 s when there is nothing to say."""

TRIES = 4
"""So often in a row the same is asked; an answer that was lost comes again."""

BATCH = 3
"""So many messages the server takes at once, whatever their length."""

MOST_UNSAID = 64
CLOSE_S = 1.0
JSON = {"Content-Type": "application/json"}
PAGE_BYTES = 128 * limits.SIGNALING_BYTES

_problem: codec.Decoder[Problem] = codec.Decoder(Problem)


class _Opened(msgspec.Struct, frozen=True):
    poll: str


class _Page(msgspec.Struct, frozen=True):
    """Messages; `next` is the number of the first that is yet to come."""

    next: int
    messages: list[msgspec.Raw]


class PollLink:
    """See `Link`. Messages are numbered both ways, so none is lost or doubled with an answer."""

    def __init__(self, http: aiohttp.ClientSession, address: str) -> None:
        """Prepare. `address` is that of the open poll."""
        self._http = http
        self._address = address
        self._heard = 0
        self._came: deque[bytes] = deque()
        self._said = 0
        self._outbox: list[ToVds] = []
        self._sending = asyncio.Lock()

    async def send(self, message: ToVds) -> None:
        """See `Link`. What is said while a request is under way goes with the next."""
        if len(self._outbox) >= MOST_UNSAID:
            raise ConnectionError("The poll takes nothing.")
        self._outbox.append(message)
        async with self._sending:
            while batch := self._outbox[:BATCH]:
                await _insist(partial(self._say, batch))
                del self._outbox[: len(batch)]
                self._said += len(batch)

    async def receive(self) -> str | bytes | None:
        """See `Link`."""
        while not self._came:
            page = await _insist(self._ask)
            if page is None:
                return None
            if page.next - self._heard != len(page.messages):
                raise ConnectionError("The poll does not count as agreed.")
            self._heard = page.next
            self._came.extend(bytes(message) for message in page.messages)
        return self._came.popleft()

    async def close(self) -> None:
        """See `Link`."""
        with contextlib.suppress(aiohttp.ClientError, OSError):
            timeout = aiohttp.ClientTimeout(total=CLOSE_S)
            async with self._http.delete(self._address, timeout=timeout, allow_redirects=False):
                pass

    async def _say(self, messages: Sequence[ToVds]) -> None:
        async with self._http.post(
            self._address + "/messages",
            params={"after": self._said},
            data=b"[" + b",".join(codec.encode(message) for message in messages) + b"]",
            headers=JSON,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=ASK_S),
        ) as answer:
            if answer.status >= 300:
                raise ConnectionError("The poll did not take the messages.")

    async def _ask(self) -> _Page | None:
        """Give the next messages; None where the server knows of no such poll."""
        async with self._http.get(
            self._address,
            params={"after": self._heard},
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=ASK_S),
        ) as answer:
            if answer.status == 404:
                return None
            body = await read_body(answer, PAGE_BYTES)
        if answer.status != 200:
            raise ConnectionError("The poll was not answered.")
        try:
            return msgspec.json.decode(body, type=_Page)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ConnectionError("The answer to the poll is not understood.") from None


class Refused:
    """A `Link` that the server did not open; all that comes is why."""

    def __init__(self, why: SignalingError) -> None:
        self._why: bytes | None = codec.encode(why)

    async def send(self, message: ToVds) -> None:
        """See `Link`."""
        raise ConnectionError

    async def receive(self) -> str | bytes | None:
        """See `Link`."""
        why, self._why = self._why, None
        return why

    async def close(self) -> None:
        """See `Link`."""


async def open_poll(
    http: aiohttp.ClientSession, server: str, hello: Authenticate
) -> PollLink | Refused:
    """Hand the token over and have a poll opened.

    Raises:
        OSError: there is no server, or it has no polls.
        aiohttp.ClientError: likewise.
    """
    async with http.post(
        server + PATH,
        data=codec.encode(hello),
        headers=JSON,
        allow_redirects=False,  # the token is for this server
        timeout=aiohttp.ClientTimeout(total=ASK_S),
    ) as answer:
        body = await read_body(answer, PAGE_BYTES)
    try:
        if answer.status < 300:
            opened = msgspec.json.decode(body, type=_Opened)
            return PollLink(http, f"{server}{PATH}/{opened.poll}")
        why = _problem.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, ProtocolError):
        raise ConnectionError("There is no signaling by polling.") from None
    return Refused(
        SignalingError(code=why.code, message=why.message, retry_after_s=why.retry_after_s)
    )


async def _insist(request: Callable[[], Awaitable[T]]) -> T:
    """Make a request again and again until it is answered."""
    for tried in range(1, TRIES):
        try:
            return await request()
        except (aiohttp.ClientError, OSError):
            await asyncio.sleep(FIRST_S * (tried - 1))
    return await request()
