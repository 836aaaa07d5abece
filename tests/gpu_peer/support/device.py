"""A device as the PC sees it: over an in-memory channel, or over a real data channel."""

import asyncio
import secrets
from typing import Any, TypeVar

from aiortc import (
    RTCCertificate,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gpu_peer.errors import ChannelClosed
from gpu_peer.transports.channel import FromHome
from gpu_peer.transports.sdp import fingerprint, prepare_answer
from gpu_peer.transports.signaled_sessions import Signals
from gpu_peer.trust.connect import Fingerprints
from gpu_peer.uuid7 import uuid7
from protocol import VERSION, codec, trust
from protocol.accounts import User
from protocol.chat import (
    Acknowledged,
    Alive,
    AnswerBegun,
    ChatHistory,
    ChatList,
    CreateChat,
    Event,
    Events,
    Heartbeat,
    Hello,
    History,
    SendMessage,
    ToHome,
    Welcome,
)
from protocol.errors import ProtocolError
from protocol.framing import Joiner, split
from protocol.packing import unpack
from protocol.signaling import Answer, Offer, Refusal, RoomPeer, Signal, SignalPosted
from protocol.transcript import Purpose
from tests.gpu_peer.support.introducer import MemoryIntroducer
from tests.gpu_peer.support.trust import HOME, DeviceEnd, PrivateKey

M = TypeVar("M")

_EVERYBODYS = MemoryIntroducer()


class Ears:
    """What a device was told, in order."""

    def __init__(self) -> None:
        self.heard: list[FromHome] = []
        self._queue: asyncio.Queue[FromHome | None] = asyncio.Queue()

    def put(self, message: FromHome | None) -> None:
        self._queue.put_nowait(message)

    async def next(self) -> FromHome:
        """Wait for the next message that is not a heartbeat."""
        async with asyncio.timeout(20):
            while True:
                message = await self._queue.get()
                if message is None:
                    raise ChannelClosed
                self.heard.append(message)
                if not isinstance(message, Heartbeat):
                    return message

    async def hear(self, kind: type[M]) -> M:
        """Wait for the next message of a kind; others are remembered in `heard`."""
        while True:
            message = await self.next()
            if isinstance(message, kind):
                return message

    async def event(self, kind: type[M]) -> M:
        """Wait for the next page of events that holds one of a kind."""
        while True:
            for event in events_in(await self.next()):
                if isinstance(event, kind):
                    return event

    async def past(self, before: int) -> list[Event]:
        """Wait until all of the log below `before` was sent; gives it in order."""
        events: list[Event] = []
        while before > 1:
            page = await self.hear(History)
            assert page.last == before - 1
            events, before = [*unpack(page.packed), *events], page.first
        return events


def events_in(message: FromHome | None) -> list[Event]:
    """Give the events that a message brings, whatever it carries them in."""
    if isinstance(message, Events):
        return message.events
    return unpack(message.packed) if isinstance(message, History | ChatHistory) else []


class Talker(Ears):
    """What a device does, whatever carries it."""

    def say(self, message: ToHome | trust.ToHome) -> None:
        raise NotImplementedError

    async def greet(self, **known: Any) -> Welcome:
        """Say hello, as a new device or with what is known of the log; wait for what it is told."""
        self.say(Hello(version=VERSION, **known))
        welcome = await self.hear(Welcome)
        if welcome.log != known.get("log"):
            await self.hear(ChatList)
        return welcome

    async def history(self) -> list[Event]:
        """Say hello as a new device and give all of the log as of then."""
        return await self.past((await self.greet()).before)

    async def create_chat(self, title: str = "A chat") -> str:
        chat = uuid7()
        self.say(CreateChat(id=uuid7(), chat=chat, title=title))
        await self.hear(Acknowledged)
        return chat

    async def ask(self, chat: str, text: str) -> AnswerBegun:
        """Say something and wait until the answer has begun."""
        self.say(SendMessage(id=uuid7(), chat=chat, message=uuid7(), text=text))
        return await self.event(AnswerBegun)


class MemoryDevice(Talker):
    """Both ends of a channel that is only in memory: the device, and the PC's `Channel`."""

    def __init__(self) -> None:
        super().__init__()
        self.frames_received = 0
        self._to_home: asyncio.Queue[bytes | ProtocolError | None] = asyncio.Queue()
        self.closed = asyncio.Event()

    def say(self, message: ToHome | trust.ToHome | ProtocolError) -> None:
        error = isinstance(message, ProtocolError)
        self._to_home.put_nowait(message if error else codec.encode(message))

    def leave(self) -> None:
        self._to_home.put_nowait(None)

    async def idle(self) -> None:
        """Let everybody who can go on go on."""
        await asyncio.sleep(0)

    async def send(self, message: FromHome) -> None:
        if self.closed.is_set():
            raise ChannelClosed
        self.put(message)

    async def receive(self, decoder: codec.Decoder[M]) -> M:
        message = await self._to_home.get()
        self.frames_received += 1
        if message is None:
            raise ChannelClosed
        if isinstance(message, ProtocolError):
            raise message
        return decoder.decode(message)

    def close(self) -> None:
        self.closed.set()
        self.put(None)

    def cut(self) -> None:
        while not self._to_home.empty():
            self._to_home.get_nowait()
        self.leave()
        self.close()


class RtcDevice(Talker):
    """A device with aiortc, introduced to the PC by an in-memory stand-in for signaling.

    `account` is what signaling says; `key` is what the home knows it by.
    """

    def __init__(
        self,
        account: str,
        signals: Signals,
        key: PrivateKey | None = None,
        home_key: bytes = HOME.key,
        label: str = "chat",
        certificate: RTCCertificate | None = None,
        introducer: MemoryIntroducer | None = None,
    ) -> None:
        super().__init__()
        self.key = key or Ed25519PrivateKey.generate()
        self.home_key = home_key
        self.code = ""
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        if certificate is not None:
            setattr(self.peer, "_RTCPeerConnection__certificates", [certificate])  # noqa: B010
        self.channel: RTCDataChannel = self.peer.createDataChannel(label)
        self.channel.on("message", self._on_frame)
        self.channel.on("close", lambda: self.put(None))
        self.open = asyncio.Event()
        self.channel.on("open", self.open.set)
        self._joiner = Joiner()
        self._home = signals
        self._decoder: codec.Decoder[Any] = codec.trust_from_home
        self._sender = RoomPeer(
            id=f"peer-{uuid7()}", role="device", user=User(id=account, name="Somebody")
        )
        self._introducer = introducer or _EVERYBODYS
        self.signals = self._introducer.join(self._sender.id)

    async def offer(self, sdp: str | None = None) -> Signal:
        """Offer a connection and give what the PC says to it."""
        await self.peer.setLocalDescription(await self.peer.createOffer())
        text = self.peer.localDescription.sdp if sdp is None else sdp
        self.post(Offer(connection="c1", sdp=text))
        async with asyncio.timeout(10):
            return await self.signals.get()

    def post(self, signal: Signal) -> None:
        posted = SignalPosted(room="room", sender=self._sender, signal=signal)
        self._home.take(posted, self._introducer)

    async def reach(self, sdp: str | None = None) -> None:
        """Open a channel; nobody has proved anything."""
        answer = await self.offer(sdp)
        assert isinstance(answer, Answer), answer
        await self.peer.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))
        async with asyncio.timeout(20):
            await self.open.wait()

    def end(self) -> DeviceEnd:
        """Give what signs for the device on this very connection."""
        mine = self.peer.localDescription.sdp
        fingerprints = Fingerprints(
            home=fingerprint(self.peer.remoteDescription.sdp),
            device=fingerprint(prepare_answer(mine)),
        )
        return DeviceEnd(self.key, fingerprints, secrets.token_bytes(32), self.home_key)

    async def prove(self) -> None:
        """Have both ends prove themselves on the open channel."""
        end = self.end()
        self.say(end.introduce())
        self.say(end.prove(await self.hear(trust.Challenge)))
        await self.hear(trust.Bound)
        self.code = end.code(Purpose.BIND).replace("-", "")

    async def connect(self, sdp: str | None = None) -> None:
        """Open a channel on which chat may begin."""
        await self.reach(sdp)
        await self.prove()

    async def refused(self) -> Refusal:
        refusal = await self.offer()
        assert isinstance(refusal, Refusal)
        return refusal

    def say(self, message: ToHome | trust.ToHome) -> None:
        for frame in split(codec.encode(message)):
            self.channel.send(frame)

    def say_raw(self, *frames: bytes | str) -> None:
        for frame in frames:
            self.channel.send(frame)

    async def leave(self) -> None:
        await self.peer.close()

    def _on_frame(self, frame: bytes) -> None:
        if (joined := self._joiner.feed(frame)) is not None:
            message = self._decoder.decode(joined)
            if isinstance(message, trust.Bound):
                self._decoder = codec.from_home
            if isinstance(message, Heartbeat):
                self.say(Alive(sent_ms=message.sent_ms))
            self.put(message)
