"""Polls over HTTP: how a client that has no WebSocket sits at the signaling server.

A poll's id is all that its requests need, so it is as secret as a token. It stands in their path,
which no log of ours has: requests are logged by their route.
"""

import asyncio
import secrets
from dataclasses import dataclass, field

import msgspec
from aiohttp import web

from protocol.errors import Malformed, TooLarge
from protocol.limits import SIGNALING_BYTES
from signaling.clock import Clock
from signaling.config import Settings
from signaling.errors import BodyTooLarge, NotFound, RateLimited
from signaling.http.answers import PollOpened, answer, done
from signaling.http.client import client_key, is_from_page
from signaling.hub import Hub, Seat
from signaling.limits import Bucket
from signaling.polling import Poll

POSTED_BYTES = 4 * SIGNALING_BYTES
_ID_BYTES = 32
_posted = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(slots=True)
class _Sitting:
    poll: Poll
    seat: Seat
    address: str
    asked: Bucket
    heard: asyncio.TimerHandle | None = None
    posting: asyncio.Lock = field(default_factory=asyncio.Lock)


class PollHandlers:
    """The handlers of `/api/signaling/poll`."""

    def __init__(self, settings: Settings, hub: Hub, clock: Clock) -> None:
        self._settings = settings
        self._hub = hub
        self._clock = clock
        self._sittings: dict[str, _Sitting] = {}

    async def open(self, request: web.Request) -> web.Response:
        """POST /api/signaling/poll. The body is the message `authenticate`."""
        from_page = is_from_page(request, self._settings)
        address = client_key(request, self._settings)
        first = await _read(request, SIGNALING_BYTES)
        poll = Poll(self._settings.limit_send_queue)
        self._hub.open(address, poll)
        try:
            seat = await self._hub.enter(poll, first, from_page=from_page)
        except BaseException:
            self._hub.shut(address, poll)
            raise
        poll_id = secrets.token_urlsafe(_ID_BYTES)
        asked = Bucket(self._settings.limit_message_burst, self._clock.steady())
        self._sittings[poll_id] = sitting = _Sitting(poll, seat, address, asked)
        self._hear(poll_id, sitting)
        poll.closed.add_done_callback(lambda _: self._hub.leave(seat))
        return answer(PollOpened(poll=poll_id))

    async def ask(self, request: web.Request) -> web.Response:
        """GET /api/signaling/poll/{poll}?after=N. Waits until there is something, for a while."""
        is_from_page(request, self._settings)
        poll_id, sitting = self._find(request)
        after = _number(request)
        settings = self._settings
        rate, burst = settings.limit_messages_per_s, settings.limit_message_burst
        if wait := sitting.asked.take(burst, rate, self._clock.steady()):
            raise RateLimited(retry_after=wait)
        self._hear(poll_id, sitting)
        messages = await sitting.poll.ask(after or 0, settings.poll_wait_s)
        if sitting.poll.is_done:
            self._end(poll_id)
            raise NotFound
        return _batch((after or 0) + len(messages), messages)

    async def post(self, request: web.Request) -> web.Response:
        """POST /api/signaling/poll/{poll}/messages?after=N. A list of messages, from number N on.

        Those that were taken before are passed over. What is wrong with one is answered as on a
        socket, among the messages that are asked for.
        """
        _, sitting = self._find(request)
        number = _number(request)
        try:
            posted = _posted.decode(await _read(request, POSTED_BYTES))
        except (msgspec.DecodeError, RecursionError):
            raise Malformed("The body is not a list of messages.") from None
        poll = sitting.poll
        async with sitting.posting:
            for message in poll.fresh([bytes(raw) for raw in posted], number):
                if poll.closing:
                    raise NotFound
                poll.count()
                with self._hub.explain(poll):
                    if len(message) > SIGNALING_BYTES:
                        raise TooLarge(f"A message holds at most {SIGNALING_BYTES} bytes.")
                    await self._hub.take(sitting.seat, message)
        return done()

    async def end(self, request: web.Request) -> web.Response:
        """DELETE /api/signaling/poll/{poll}. Again, it is the same."""
        self._end(request.match_info["poll"])
        return done()

    def _find(self, request: web.Request) -> tuple[str, _Sitting]:
        poll_id = request.match_info["poll"]
        sitting = self._sittings.get(poll_id)
        if sitting is None:
            raise NotFound
        return poll_id, sitting

    def _hear(self, poll_id: str, sitting: _Sitting) -> None:
        """Take a client that asks no more for one that is gone."""
        if sitting.heard:
            sitting.heard.cancel()
        loop = asyncio.get_running_loop()
        sitting.heard = loop.call_later(self._settings.poll_lost_s, self._end, poll_id)

    def _end(self, poll_id: str) -> None:
        if sitting := self._sittings.pop(poll_id, None):
            if sitting.heard:
                sitting.heard.cancel()
            sitting.poll.go_away()
            self._hub.shut(sitting.address, sitting.poll)


def _number(request: web.Request) -> int | None:
    text = request.query.get("after")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Malformed("The number of a message is a whole number.")
    return int(text)


async def _read(request: web.Request, most: int) -> bytes:
    """Read a body that may be larger than those of other requests.

    Raises:
        BodyTooLarge: beyond this.
    """
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > most:
            raise BodyTooLarge
    return bytes(body)


def _batch(following: int, messages: list[bytes]) -> web.Response:
    return web.Response(
        body=b'{"next":%d,"messages":[%b]}' % (following, b",".join(messages)),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
