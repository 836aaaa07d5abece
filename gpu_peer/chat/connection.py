"""One device, from its hello to its end: the shell around `Session`."""

import asyncio

from gpu_peer.chat.answers import RunningAnswer
from gpu_peer.chat.home import Home
from gpu_peer.chat.session import Ask, Effect, Execute, Follow, Reply, Session, State
from gpu_peer.clock import Clock
from gpu_peer.errors import ChannelClosed, Refused
from gpu_peer.household.desk import Asker, Desk
from gpu_peer.household.household import Household
from gpu_peer.transports.channel import Channel
from gpu_peer.transports.heartbeat import INTERVAL_S, Liveness, Pulse
from protocol import VERSION, codec
from protocol.chat import (
    ChatError,
    Command,
    Delta,
    Draft,
    Events,
    FromHome,
    Heartbeat,
    Welcome,
)
from protocol.errors import ProtocolError

TICK_S = 0.5
FAR_BEHIND = 64
"""A device that misses more deltas than this is sent the whole draft instead."""


class DeviceConnection:
    """Talks to one device, of one person, that has proved itself."""

    def __init__(
        self, asker: Asker, channel: Channel, home: Home, household: Household, clock: Clock
    ) -> None:
        self._user = asker.person
        self._channel = channel
        self._home = home
        self._clock = clock
        self._desk = Desk(household, asker, channel.send)
        self._session = Session(self._now_ms())
        self._more = asyncio.Event()
        self._known: dict[str, int] = {}

    async def run(self) -> None:
        """Serve the device until it is gone or sent away.

        Raises:
            StorageError: the log cannot be read; the device is to connect again.
        """
        end_watch = self._home.watch(self._user, self._more.set)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(group))
                group.create_task(self._pulse(group))
        except* ChannelClosed:
            pass
        finally:
            end_watch()
            self._desk.close()
            self._channel.close()

    async def _listen(self, group: asyncio.TaskGroup) -> None:
        while True:
            try:
                message = await self._channel.receive(codec.to_home)
            except ProtocolError as error:
                effects = self._session.receive_bad(error)
            else:
                effects = self._session.receive(message, self._now_ms())
            for effect in effects:
                await self._perform(effect, group)
            if self._session.state is State.CLOSED:
                raise ChannelClosed

    async def _perform(self, effect: Effect, group: asyncio.TaskGroup) -> None:
        match effect:
            case Reply():
                await self._channel.send(effect.message)
            case Execute():
                await self._channel.send(await self._execute(effect.command))
            case Ask():
                await self._desk.take(effect.request)
            case Follow():
                group.create_task(self._follow(effect.after))

    async def _execute(self, command: Command) -> FromHome:
        try:
            return await self._home.execute(self._user, command)
        except Refused as refused:
            return ChatError(
                code=refused.code, message=str(refused), re=command.id, excess=refused.excess
            )

    async def _pulse(self, group: asyncio.TaskGroup) -> None:
        liveness = Liveness(self._clock.now_s())
        while True:
            await self._clock.sleep(TICK_S)
            for effect in self._session.tick(self._now_ms()):
                await self._perform(effect, group)
            pulse = liveness.tick(self._clock.now_s(), self._channel.frames_received)
            if self._session.state is State.CLOSED or pulse is Pulse.DEAD:
                raise ChannelClosed
            if pulse is Pulse.ASK:
                # Not awaited: it may have to wait behind a long message to a dead device.
                group.create_task(self._channel.send(Heartbeat(sent_ms=self._now_ms())))

    async def _follow(self, after: int) -> None:
        """Send history, then drafts, then all that happens.

        What is new is always read from the log and from the running answers, never queued for this
        device: so nothing is lost or doubled between history and live, and a slow device costs no
        memory.
        """
        head = await self._home.head(self._user)
        await self._channel.send(
            Welcome(version=VERSION, head=head, model=self._home.model, heartbeat_s=INTERVAL_S)
        )
        cursor = await self._send_events(after)
        for answer in self._home.running(self._user):
            if answer.begun.seq <= cursor:
                await self._send_draft(answer)
        while True:
            self._more.clear()
            cursor = await self._send_events(cursor)
            await self._send_growth(cursor)
            await self._more.wait()

    async def _send_events(self, cursor: int) -> int:
        while (page := await self._home.page(self._user, cursor)).events:
            await self._channel.send(Events(events=page.events, upto=page.upto))
            cursor = page.upto
        return cursor

    async def _send_growth(self, cursor: int) -> None:
        running = self._home.running(self._user)
        self._known = {a.begun.answer: self._known.get(a.begun.answer, 0) for a in running}
        for answer in running:
            if answer.begun.seq > cursor:
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
        await self._channel.send(
            Draft(chat=begun.chat, answer=begun.answer, index=index, text=text)
        )

    async def _send_delta(self, answer: RunningAnswer) -> None:
        begun, index = answer.begun, self._known[answer.begun.answer]
        self._known[begun.answer] = index + 1
        text = answer.draft.delta(index)
        await self._channel.send(
            Delta(chat=begun.chat, answer=begun.answer, index=index, text=text)
        )

    def _now_ms(self) -> int:
        return int(self._clock.now_s() * 1000)
