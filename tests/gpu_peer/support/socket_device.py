"""A device on the PC itself, over the socket of 127.0.0.1 as a page opens it."""

import asyncio
import secrets
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gpu_peer.trust.connect import Fingerprints
from protocol import codec, trust
from protocol.chat import Alive, Heartbeat, ToHome
from protocol.framing import Joiner, split
from protocol.transcript import Purpose, loopback_fingerprint
from tests.gpu_peer.support.device import Talker
from tests.gpu_peer.support.trust import HOME, DeviceEnd, PrivateKey


def loopback(port: int) -> Fingerprints:
    """Give what both ends of a socket on this port sign."""
    return Fingerprints(
        home=loopback_fingerprint("home", port), device=loopback_fingerprint("device", port)
    )


class SocketDevice(Talker):
    """See `Talker`. `port` is the one that it believes to speak with, and signs."""

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        port: int,
        key: PrivateKey | None = None,
        home_key: bytes = HOME.key,
    ) -> None:
        super().__init__()
        self.key = key or Ed25519PrivateKey.generate()
        self.socket = socket
        self.end = DeviceEnd(self.key, loopback(port), secrets.token_bytes(32), home_key)
        self.code = ""
        self._decoder: codec.Decoder[Any] = codec.trust_from_home
        self._to_say: asyncio.Queue[bytes] = asyncio.Queue()
        self._tasks = [asyncio.ensure_future(self._read()), asyncio.ensure_future(self._write())]

    def say(self, message: ToHome | trust.ToHome) -> None:
        for frame in split(codec.encode(message)):
            self._to_say.put_nowait(frame)

    async def connect(self) -> None:
        """Have both ends prove themselves."""
        self.say(self.end.introduce())
        self.say(self.end.prove(await self.hear(trust.Challenge)))
        await self.hear(trust.Bound)
        self.code = self.end.code(Purpose.BIND).replace("-", "")

    async def leave(self) -> None:
        await self.socket.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _write(self) -> None:
        while True:
            await self.socket.send_bytes(await self._to_say.get())

    async def _read(self) -> None:
        joiner = Joiner()
        async for frame in self.socket:
            if (joined := joiner.feed(frame.data)) is None:
                continue
            message = self._decoder.decode(joined)
            if isinstance(message, trust.Bound):
                self._decoder = codec.from_home
            if isinstance(message, Heartbeat):
                self.say(Alive(sent_ms=message.sent_ms))
            self.put(message)
        self.put(None)
