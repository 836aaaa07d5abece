"""The other end of the control socket: a command, which asks the running home."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp

from gpu_peer.errors import CommandRefused, HomeNotRunning, PeerError
from gpu_peer.local.control_file import NOT_RUNNING, read
from gpu_peer.uuid7 import uuid7
from protocol import codec
from protocol.errors import ProtocolError
from protocol.household import (
    Done,
    Household,
    InvitationEnded,
    InvitationOpened,
    PairingAsked,
    Reply,
    Request,
    RequestRefused,
    WatchHousehold,
)
from protocol.limits import MESSAGE_BYTES

CONNECT_WITHIN_S = 10.0
ANSWER_WITHIN_S = 10.0

_ENDED = "The home has ended. Start it and try again."

Answer = Done | InvitationOpened | Household
Told = PairingAsked | InvitationEnded
"""What the home says unasked."""


class Client:
    """A conversation with the running home.

    Attributes:
        origin: The app's address, as the home has it.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, origin: str) -> None:
        self.origin = origin
        self._socket = socket
        self._answers: dict[str, asyncio.Future[Answer]] = {}
        self._watching = ""
        self._told: asyncio.Queue[Told | None] = asyncio.Queue()
        self._end: PeerError | None = None

    async def ask(self, request: Request) -> Answer:
        """Send a request and wait for its answer.

        Raises:
            CommandRefused: the home refused, with its sentence.
            HomeNotRunning: it ended before it answered, or does not answer.
        """
        if self._end is not None:
            raise self._end
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[request.id] = answer
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await self._answer_to(request, answer)
        except TimeoutError:
            raise HomeNotRunning("The home does not answer. Try again.") from None

    async def _answer_to(self, request: Request, answer: asyncio.Future[Answer]) -> Answer:
        # What cannot be sent is seen by `listen` too, which ends the waiting.
        with suppress(ConnectionError):
            await self._socket.send_str(codec.encode(request).decode())
        return await answer

    async def household(self) -> Household:
        """Ask who and what there is now. Raises as `ask`."""
        request = WatchHousehold(id=uuid7())
        self._watching = request.id
        answer = await self.ask(request)
        if not isinstance(answer, Household):
            raise CommandRefused("The home gave no list. Update Hearth.")
        return answer

    async def told(self) -> Told:
        """Wait for the next thing that the home says unasked.

        Raises:
            HomeNotRunning: it ended.
        """
        told = await self._told.get()
        if told is None:
            raise self._end or HomeNotRunning(_ENDED)
        return told

    async def listen(self) -> None:
        """Take what the home says, until it ends or this is cancelled."""
        end: PeerError = HomeNotRunning(_ENDED)
        try:
            async for frame in self._socket:
                if frame.type != aiohttp.WSMsgType.TEXT:
                    break
                self._take(codec.reply.decode(frame.data))
        except ProtocolError as why:
            end = CommandRefused(str(why))
        self._end = end
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(end)
        self._told.put_nowait(None)

    def _take(self, reply: Reply) -> None:
        match reply:
            case PairingAsked() | InvitationEnded():
                self._told.put_nowait(reply)
            case Household():
                self._settle(self._watching, reply)
            case Done() if reply.id == self._watching:
                pass  # the list follows
            case _:
                self._settle(reply.id, reply)

    def _settle(self, request: str, reply: Answer | RequestRefused) -> None:
        answer = self._answers.pop(request, None)
        if answer is None or answer.done():
            return
        if isinstance(reply, RequestRefused):
            answer.set_exception(CommandRefused(reply.message))
        else:
            answer.set_result(reply)


@asynccontextmanager
async def connected(folder: Path) -> AsyncIterator[Client]:
    """Find the running home of this data folder and speak with it.

    Raises:
        HomeNotRunning: there is none, or it does not answer.
        KeyUnreadable: the file that names it cannot be read.
    """
    said = read(folder)
    async with aiohttp.ClientSession() as http:
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                socket = await http.ws_connect(
                    f"http://127.0.0.1:{said.port}/control",
                    headers={"Authorization": f"Bearer {said.token}"},
                    max_msg_size=MESSAGE_BYTES,
                )
        except (aiohttp.ClientError, OSError):  # a file that an ended home left behind
            raise HomeNotRunning(NOT_RUNNING) from None
        client = Client(socket, said.origin)
        listening = asyncio.ensure_future(client.listen())
        try:
            yield client
        finally:
            listening.cancel()
            await asyncio.wait((listening,))
            await socket.close()
