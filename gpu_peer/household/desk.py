"""Where one party asks about people and devices: a paired device, or whoever sits at the PC."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gpu_peer.errors import ChannelClosed, ListRefused, StorageError
from gpu_peer.household.household import Household
from gpu_peer.trust.invitation import LIFE_MS, REASONS
from protocol.errors import ErrorCode
from protocol.household import (
    AddPerson,
    AnswerPairing,
    CloseInvitation,
    Done,
    InvitationEnded,
    InvitationOpened,
    OpenInvitation,
    PairingAsked,
    ReadmitDevice,
    RenameDevice,
    RenamePerson,
    Reply,
    Request,
    RequestRefused,
    RevokeDevice,
    WatchHousehold,
)

Send = Callable[[Reply], Awaitable[None]]


@dataclass(frozen=True)
class Asker:
    """Who asks: a person, by a device of theirs; None is the PC itself."""

    person: str
    device: str | None


class Desk:
    """Carries out what one party asks, and tells it what it watches for."""

    def __init__(self, household: Household, asker: Asker, send: Send) -> None:
        """Prepare. `send` may wait, and may raise `ChannelClosed`."""
        self._household = household
        self._asker = asker
        self._send = send
        self._more = asyncio.Event()
        self._end_watch: Callable[[], None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, request: Request) -> None:
        """Carry out a request and send its reply.

        Raises:
            ChannelClosed: the asking one is gone.
        """
        await self._send(await self._reply_to(request))

    def tell(self, news: PairingAsked | InvitationEnded) -> None:
        """See `Host`."""
        self._spawn(self._say(news))

    def close(self) -> None:
        """The asking one is gone: what it opened or watched is over."""
        if self._end_watch is not None:
            self._end_watch()
        self._household.invitations.close(self)
        for task in self._tasks:
            task.cancel()

    async def _reply_to(self, request: Request) -> Reply:
        if not self._may(request):
            return _refused(request, "not_allowed", "Only the owner of this PC may do that.")
        try:
            return await self._carry_out(request) or Done(id=request.id)
        except ListRefused as refused:
            return _refused(request, "list_refused", str(refused))
        except StorageError:
            return _refused(
                request,
                "storage_failed",
                "The PC could not save this: its disk is full or not writable. Try again.",
            )

    def _may(self, request: Request) -> bool:
        """Whether this party may ask for it: the owner for all, members for what is theirs."""
        role = self._household.role_of(self._asker.person)
        if role == "owner" or isinstance(request, WatchHousehold):
            return True
        if role != "member":
            return False
        match request:
            case RenamePerson() | OpenInvitation():
                return request.person == self._asker.person
            case RenameDevice() | RevokeDevice():
                return self._household.person_of(request.device) == self._asker.person
            case AnswerPairing() | CloseInvitation():
                return True
            case _:
                return False

    async def _carry_out(self, request: Request) -> Reply | None:
        household = self._household
        match request:
            case WatchHousehold():
                self._watch()
            case AddPerson():
                await household.add_person(request.name, request.role)
            case RenamePerson():
                await household.rename_person(request.person, request.name)
            case RenameDevice():
                await household.rename_device(request.device, request.name)
            case RevokeDevice():
                await household.revoke(request.device)
            case ReadmitDevice():
                await household.readmit(request.device)
            case OpenInvitation():
                return self._open(request)
            case AnswerPairing():
                if not household.invitations.answer(self, request.equal):
                    return _refused(request, "pairing_closed", REASONS["pairing_closed"])
            case CloseInvitation():
                household.invitations.close(self)
        return None

    def _open(self, request: OpenInvitation) -> Reply:
        if self._household.role_of(request.person) is None:
            return _refused(request, "list_refused", "There is no such person. Choose another.")
        secret = self._household.invitations.open(request.person, request.method, self)
        home = self._household.home_id
        return InvitationOpened(id=request.id, home=home, secret=secret, life_ms=LIFE_MS)

    def _watch(self) -> None:
        self._more.set()
        if self._end_watch is None:
            self._end_watch = self._household.watch(self._more.set)
            self._spawn(self._show())

    async def _show(self) -> None:
        """Send the list whenever it has changed; what changed meanwhile is in the next one."""
        while True:
            await self._more.wait()
            self._more.clear()
            try:
                shown = await self._household.shown(self._asker.person, self._asker.device)
            except StorageError:
                continue  # the next change shows it
            await self._say(shown)

    async def _say(self, message: Reply) -> None:
        try:
            await self._send(message)
        except ChannelClosed:
            return

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _refused(request: Request, code: ErrorCode, message: str) -> RequestRefused:
    return RequestRefused(id=request.id, code=code, message=message)
