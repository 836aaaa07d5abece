"""What one device is sent: what it has not seen, what happens, and then the past.

Everything is sent in one order by one task. It is always read from the log and from the running
answers, never queued for the device: so nothing is lost or doubled between history and live, and a
slow device costs no memory. What is new goes before what is old: after each page of the past it is
looked whether there is something new.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

from gpu_peer.chat.answers import RunningAnswer
from gpu_peer.chat.home import Home
from gpu_peer.errors import Refused
from gpu_peer.storage.event_log import EventLog, Standing
from gpu_peer.transports.heartbeat import INTERVAL_S
from protocol import VERSION, codec
from protocol.chat import (
    ChatHead,
    ChatHistory,
    ChatList,
    Delta,
    Draft,
    DraftSeen,
    Events,
    FromHome,
    Hello,
    History,
    Welcome,
)
from protocol.packing import pack

LIVE_BYTES = 65_536
"""More events than this are sent packed."""

LIST_BYTES = 65_536
"""A part of the list of chats holds at most this many bytes of them, but at least one."""

FAR_BEHIND = 64
"""A device that misses more deltas than this is sent the whole draft instead."""

FETCHES = 64
"""So many chats may be asked for that were not sent yet."""


class Feed:
    """Sends one device of a user what it does not have."""

    def __init__(self, user: str, home: Home, send: Callable[[FromHome], Awaitable[None]]) -> None:
        self._user = user
        self._home = home
        self._send = send
        self._more = asyncio.Event()
        self._known: dict[str, int] = {}
        self._after = 0
        self._before = 1
        self._wanted: list[str] = []

    def wake(self) -> None:
        """Have it looked whether there is more."""
        self._more.set()

    def fetch(self, chat: str) -> None:
        """Have all of a chat sent before the rest of the past.

        Raises:
            Refused: too many were asked for.
        """
        if chat in self._wanted[1:]:
            return
        if len(self._wanted) >= FETCHES:
            raise Refused("rate_limited", "Too many chats were asked for at once. Ask again later.")
        self._wanted.append(chat)
        self.wake()

    async def run(self, hello: Hello) -> None:
        """Send until the device is gone.

        Raises:
            StorageError: the log cannot be read.
        """
        drafts = await self._welcome(hello)
        await self._send_events()
        await self._send_drafts(drafts)
        while True:
            self._more.clear()
            await self._send_events()
            await self._send_growth()
            if self._wanted:
                await self._send_chat(self._wanted[0])
            elif self._before > 1:
                await self._send_past()
            else:
                await self._more.wait()

    async def _welcome(self, hello: Hello) -> Sequence[DraftSeen]:
        """Say where the device goes on from. Gives the drafts that it goes on with."""
        standing, chats, common = await self._home.read(lambda log: self._look(log, hello))
        known = _is_known(hello, standing)
        self._after = hello.after if known else standing.head
        self._before = hello.before if known else standing.head + 1
        self._home.tell(self._user, self._after)
        await self._send(
            Welcome(
                version=VERSION,
                log=standing.log,
                head=standing.head,
                after=self._after,
                before=self._before,
                common=common,
                settings=standing.settings,
                model=self._home.model,
                heartbeat_s=INTERVAL_S,
            )
        )
        if known:
            return hello.drafts
        for part in _parts(chats):
            await self._send(ChatList(chats=part))
        return ()

    def _look(self, log: EventLog, hello: Hello) -> tuple[Standing, list[ChatHead], int]:
        standing = log.standing(self._user)
        if hello.log == standing.log and hello.after > self._home.told(self._user):
            # An older copy was put in the file's place while no process had it open.
            common = self._home.head_at_start(self._user)
            log.begin_another(self._user, standing.log, common)
            standing = log.standing(self._user)
        return standing, log.chats(self._user), log.common(self._user, hello.log or "")

    async def _send_events(self) -> None:
        """Send all that is new: packed while it is much, plain once it is little."""
        while (head := await self._home.head(self._user)) > self._after:
            page = await self._home.read(lambda log: log.page(self._user, self._after))
            self._home.tell(self._user, page.last)
            if page.last >= head and page.size <= LIVE_BYTES:
                events = [codec.event.decode(body) for body in page.bodies]
                await self._send(Events(events=events, upto=page.last))
            else:
                packed = await asyncio.to_thread(pack, page.bodies)
                await self._send(History(first=page.first, last=page.last, packed=packed))
            self._after = page.last

    async def _send_past(self) -> None:
        page = await self._home.read(lambda log: log.past(self._user, self._before))
        packed = await asyncio.to_thread(pack, page.bodies)
        await self._send(History(first=page.first, last=page.last, packed=packed))
        self._before = page.first

    async def _send_chat(self, chat: str) -> None:
        """Send a chat whole, up to what was sent of the log; what is newer goes before its rest."""
        upto = self._after
        sent = await self._send_part(chat, 0, upto)
        while sent < upto:
            await self._send_events()
            await self._send_growth()
            sent = await self._send_part(chat, sent, upto)
        self._wanted.remove(chat)

    async def _send_part(self, chat: str, after: int, upto: int) -> int:
        """Send what of a chat follows `after`. Gives how far it reaches."""
        page = await self._home.read(lambda log: log.page_of(self._user, chat, after, upto))
        packed = await asyncio.to_thread(pack, page.bodies)
        complete = page.last >= upto
        await self._send(ChatHistory(chat=chat, packed=packed, complete=complete))
        return page.last

    async def _send_drafts(self, seen: Sequence[DraftSeen]) -> None:
        """Send what the answers that run have, to a device that has no more than `seen`."""
        has = {draft.answer: draft.index for draft in seen}
        for answer in self._home.running(self._user):
            index = has.get(answer.begun.answer)
            if index is not None and index <= answer.draft.index:
                self._known[answer.begun.answer] = index
            elif answer.begun.seq <= self._after:
                await self._send_draft(answer)

    async def _send_growth(self) -> None:
        running = self._home.running(self._user)
        self._known = {a.begun.answer: self._known.get(a.begun.answer, 0) for a in running}
        for answer in running:
            if answer.begun.seq > self._after:
                self._more.set()  # Its beginning is on disk and not sent yet.
                continue
            if answer.draft.index - self._known[answer.begun.answer] > FAR_BEHIND:
                await self._send_draft(answer)
            while not answer.ending and self._known[answer.begun.answer] < answer.draft.index:
                await self._send_delta(answer)

    async def _send_draft(self, answer: RunningAnswer) -> None:
        begun, index = answer.begun, answer.draft.index
        self._known[begun.answer] = index
        text = answer.draft.sent_text
        await self._send(Draft(chat=begun.chat, answer=begun.answer, index=index, text=text))

    async def _send_delta(self, answer: RunningAnswer) -> None:
        begun, index = answer.begun, self._known[answer.begun.answer]
        self._known[begun.answer] = index + 1
        text = answer.draft.delta(index)
        await self._send(Delta(chat=begun.chat, answer=begun.answer, index=index, text=text))


def _is_known(hello: Hello, standing: Standing) -> bool:
    """Whether what the device has is a piece of this very log."""
    return (
        hello.log == standing.log
        and hello.before >= 1
        and hello.before - 1 <= hello.after <= standing.head
    )


def _parts(chats: Sequence[ChatHead]) -> Iterator[list[ChatHead]]:
    """Split the list of chats; there is a part, also where there is no chat."""
    part: list[ChatHead] = []
    size = 0
    for chat in chats:
        size += len(codec.encode(chat))
        if part and size > LIST_BYTES:
            yield part
            part, size = [], len(codec.encode(chat))
        part.append(chat)
    yield part
