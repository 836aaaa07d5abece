"""One device, from its hello to its end: the shell around `Session`."""

import asyncio

from gpu_peer.chat.feed import Feed
from gpu_peer.chat.home import Home
from gpu_peer.chat.session import Ask, Effect, Execute, Fetch, Follow, Reply, Session, State
from gpu_peer.clock import Clock
from gpu_peer.errors import ChannelClosed, Refused
from gpu_peer.household.desk import Asker, Desk
from gpu_peer.household.household import Household
from gpu_peer.transports.channel import Channel
from gpu_peer.transports.heartbeat import Liveness, Pulse
from protocol import codec
from protocol.chat import Alive, ChatError, Command, FromHome, Heartbeat
from protocol.errors import ProtocolError

TICK_S = 0.5

DUE = 32
"""So many messages of a device may wait to be carried out; then it is not listened to."""


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
        self._feed = Feed(asker.person, home, channel.send)
        self._due: asyncio.Queue[Effect] = asyncio.Queue(DUE)

    async def run(self) -> None:
        """Serve the device until it is gone or sent away.

        Raises:
            StorageError: the log cannot be read; the device is to connect again.
        """
        end_watch = self._home.watch(self._user, self._feed.wake)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen())
                group.create_task(self._carry_out(group))
                group.create_task(self._pulse(group))
        except* ChannelClosed:
            pass
        finally:
            end_watch()
            self._desk.close()
            self._channel.close()

    async def _listen(self) -> None:
        while True:
            try:
                message = await self._channel.receive(codec.to_home)
            except ProtocolError as error:
                effects = self._session.receive_bad(error)
            else:
                effects = self._session.receive(message, self._now_ms())
            for effect in effects:
                if isinstance(effect, Reply) and isinstance(effect.message, Alive):
                    # Whatever is being carried out, and however long: the PC is there.
                    await self._channel.send(effect.message)
                else:
                    await self._due.put(effect)
            if self._session.state is State.CLOSED:
                await self._due.join()
                raise ChannelClosed

    async def _carry_out(self, group: asyncio.TaskGroup) -> None:
        """Do what the device wants, one thing after another."""
        while True:
            await self._perform(await self._due.get(), group)
            self._due.task_done()

    async def _perform(self, effect: Effect, group: asyncio.TaskGroup) -> None:
        match effect:
            case Reply():
                await self._channel.send(effect.message)
            case Execute():
                await self._channel.send(await self._execute(effect.command))
            case Ask():
                await self._desk.take(effect.request)
            case Follow():
                group.create_task(self._feed.run(effect.hello))
            case Fetch():
                await self._fetch(effect.chat)

    async def _execute(self, command: Command) -> FromHome:
        try:
            return await self._home.execute(self._user, command)
        except Refused as refused:
            return ChatError(
                code=refused.code, message=str(refused), re=command.id, excess=refused.excess
            )

    async def _fetch(self, chat: str) -> None:
        try:
            self._feed.fetch(chat)
        except Refused as refused:
            await self._channel.send(ChatError(code=refused.code, message=str(refused)))

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

    def _now_ms(self) -> int:
        return int(self._clock.now_s() * 1000)
