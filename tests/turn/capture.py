"""Record what a real Chromium sends to the relay: `python -m tests.turn.capture FILE`.

Two connections of one page, with relay candidates only, open a data channel to each other through a
relay on loopback. The file has all that is needed to say the same again: secrets, times, addresses.
Lines of it are read by test_browsers.py.
"""

import asyncio
import json
import socket
import sys
import tempfile
import time
from pathlib import Path

from aiohttp import web

from protocol import stun
from protocol.roads import turn_password, turn_username
from tests.turn.caller import SECRET, free_port
from turn.allocations import Client
from turn.limits import Limits
from turn.nonces import Nonces
from turn.relay import Action, Relay
from turn.udp import UdpListener

NONCE_KEY = b"n" * 32
HOST = "127.0.0.1"
CHROMIUM = (
    "chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)
PAGE = """<!doctype html><script>
const config = { iceTransportPolicy: 'relay', iceServers: [SERVER] }
const a = new RTCPeerConnection(config), b = new RTCPeerConnection(config)
a.onicecandidate = ({ candidate }) => candidate && b.addIceCandidate(candidate)
b.onicecandidate = ({ candidate }) => candidate && a.addIceCandidate(candidate)
b.ondatachannel = ({ channel }) => { channel.onmessage = ({ data }) => channel.send(data) }
const channel = a.createDataChannel('chat')
channel.onopen = () => channel.send('question')
channel.onmessage = () => { a.close(); b.close(); setTimeout(() => fetch('/done'), 300) }
const go = async () => {
  await a.setLocalDescription(); await b.setRemoteDescription(a.localDescription)
  await b.setLocalDescription(); await a.setRemoteDescription(b.localDescription)
}
go()
</script>"""


class Recorder(Relay):
    """A relay that notes what comes and what it does about it."""

    def __init__(self) -> None:
        limits = Limits(100, 100, 1e9, 1e9, 1e9)
        super().__init__(SECRET, {stun.IPV4: HOST}, limits, 0, Nonces(NONCE_KEY))
        self.lines: list[dict[str, object]] = []

    def forward(self, *_: object) -> None:
        """Take the long way always."""

    def receive(self, client: Client, data: bytes, now: float, wall: float) -> list[Action]:
        actions = super().receive(client, data, now, wall)
        line = {"from": client.address[1], "now": now, "wall": wall, "hex": data.hex()}
        allocation = self.allocations.of.get(client)
        if allocation is not None:
            line["relayed"] = allocation.relayed[stun.IPV4].address[1]
        self.lines.append(line)
        return actions


async def record() -> list[dict[str, object]]:
    recorder = Recorder()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind((HOST, 0))
        listener = UdpListener(recorder, bound)
        username = turn_username("browser", int(time.time()) + 600)
        server = {
            "urls": f"turn:{HOST}:{bound.getsockname()[1]}?transport=udp",
            "username": username,
            "credential": turn_password(SECRET, username),
        }
        await asyncio.wait_for(browse(PAGE.replace("SERVER", json.dumps(server))), 30)
        listener.close()
    return recorder.lines


async def browse(page: str) -> None:
    """Show the page to a browser until it says that it is done."""
    done = asyncio.Event()

    async def show(_request: web.Request) -> web.Response:
        return web.Response(text=page, content_type="text/html")

    async def finish(_request: web.Request) -> web.Response:
        done.set()
        return web.Response()

    app = web.Application()
    app.router.add_get("/", show)
    app.router.add_get("/done", finish)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, HOST, port).start()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        words = [*CHROMIUM.split(), f"--user-data-dir={profile}", f"http://{HOST}:{port}/"]
        process = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.DEVNULL)
        try:
            await done.wait()
        finally:
            process.terminate()
            await process.wait()
    await runner.cleanup()


if __name__ == "__main__":
    noted = ",\n".join(json.dumps(line) for line in asyncio.run(record()))
    Path(sys.argv[1]).write_text(f"[\n{noted}\n]\n")
