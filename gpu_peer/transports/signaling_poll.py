"""Long polling as a `Link`, for where something between lets no WebSocket through.

docs/protocol.md, Signaling, has the requests. A poll's address is its secret: it stands in no log.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence

import aiohttp
import msgspec

from gpu_peer.transports.backoff import FIRST_S
from gpu_peer.transports.http_body import read_body
from protocol import codec, limits
from protocol.accounts import Problem
from protocol.errors import ProtocolError
from protocol.signaling import Authenticate, SignalingError, ToVds

PATH = "/api/signaling/poll"

ASK_S = 35.0
"""So long may one request take: the server answers after 25 s when there is nothing to say."""

TRIES = 4
"""So often in a row the same is asked; an answer that was lost comes again."""

CLOSE_S = 1.0
PAGE_BYTES = 128 * limits.SIGNALING_BYTES

_problem: codec.Decoder[Problem] = codec.Decoder(Problem)


class _Opened(msgspec.Struct, frozen=True):
    poll: str


class _Page(msgspec.Struct, frozen=True):
    """Messages; `next` is the number of the first that is yet to come."""

    next: int
    messages: list[msgspec.Raw]


class PollLink:
    """See `Link`."""

    def __init__(self, http: aiohttp.ClientSession, address: str, headers: dict[str, str]) -> None:
        """Prepare. `address` is that of the open poll."""
        self._http = http
        self._address = address
        self._headers = headers
        self._after = 0
        self._came: deque[bytes] = deque()
        self._outbox: list[ToVds] = []
        self._sending = asyncio.Lock()

    async def send(self, message: ToVds) -> None:
        """See `Link`. What is said while a request is under way goes together with the next."""
        self._outbox.append(message)
        async with self._sending:
            said, self._outbox = self._outbox, []
            if not said:
                return
            async with self._http.post(
                self._address + "/messages",
                data=_list(said),
                headers={**self._headers, "Content-Type": "application/json"},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=ASK_S),
            ) as answer:
                if answer.status >= 300:
                    raise ConnectionError("The poll is gone.")

    async def receive(self) -> str | bytes | None:
        """See `Link`."""
        while not self._came:
            page = await self._ask()
            if page is None:
                return None
            if page.next - self._after != len(page.messages):
                raise ConnectionError("The poll does not count as agreed.")
            self._after = page.next
            self._came.extend(bytes(message) for message in page.messages)
        return self._came.popleft()

    async def close(self) -> None:
        """See `Link`."""
        with contextlib.suppress(aiohttp.ClientError, OSError):
            async with self._http.delete(
                self._address,
                headers=self._headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=CLOSE_S),
            ):
                pass

    async def _ask(self) -> _Page | None:
        """Ask until there is an answer; None where the server knows of no such poll."""
        for tried in range(1, TRIES + 1):
            try:
                return await self._ask_once()
            except (aiohttp.ClientError, OSError):
                if tried == TRIES:
                    raise
            await asyncio.sleep(FIRST_S * (tried - 1))
        raise AssertionError

    async def _ask_once(self) -> _Page | None:
        async with self._http.get(
            self._address,
            params={"after": self._after},
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=ASK_S),
        ) as answer:
            if 400 <= answer.status < 500:
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
    http: aiohttp.ClientSession, server: str, origin: str, hello: Authenticate
) -> PollLink | Refused:
    """Hand the token over and have a poll opened.

    Args:
        http: Makes the requests.
        server: The server's address, without a path.
        origin: The server's own origin; it takes nothing that would come from another's page.
        hello: The home's token.

    Raises:
        OSError: there is no server, or it has no polls.
        aiohttp.ClientError: likewise.
    """
    headers = {"Origin": origin}
    async with http.post(
        server + PATH,
        data=codec.encode(hello),
        headers={**headers, "Content-Type": "application/json"},
        allow_redirects=False,  # the token is for this server
        timeout=aiohttp.ClientTimeout(total=ASK_S),
    ) as answer:
        body = await read_body(answer, PAGE_BYTES)
    try:
        if answer.status < 300:
            opened = msgspec.json.decode(body, type=_Opened)
            return PollLink(http, f"{server}{PATH}/{opened.poll}", headers)
        why = _problem.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, ProtocolError):
        raise ConnectionError("There is no signaling by polling.") from None
    return Refused(
        SignalingError(code=why.code, message=why.message, retry_after_s=why.retry_after_s)
    )


def _list(messages: Sequence[ToVds]) -> bytes:
    """Give the messages as a JSON list, each as on the socket."""
    return b"[" + b",".join(codec.encode(message) for message in messages) + b"]"
