"""Two clients of a relay that send each other as much as comes through, in a process of its own.

`python relay_load.py PORT udp|tcp USERNAME PASSWORD SECONDS` prints how many packets of 1,200 bytes
came through in how many seconds. So many are on their way as keep the relay busy and lose none.
"""

import secrets
import socket
import sys
import time
from dataclasses import dataclass, field

from protocol import stun
from protocol.stun import Address, Class, Message, Method
from turn import channel_data

PAYLOAD = 1200
UNDERWAY = 48
WARM_UP_S = 0.3
SILENCE_S = 0.2
CHANNEL = 0x4000


@dataclass
class Client:
    """One allocation with one channel, over UDP or TCP."""

    port: int
    road: str
    username: str
    password: str
    nonce: str = ""
    realm: str = ""
    wire: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        kind = socket.SOCK_DGRAM if self.road == "udp" else socket.SOCK_STREAM
        self.wire = socket.socket(socket.AF_INET, kind)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self.wire.setsockopt(socket.SOL_SOCKET, option, 1 << 20)
        self.wire.connect(("127.0.0.1", self.port))
        self.wire.settimeout(3)

    def ask(self, method: Method, *attributes: stun.Attribute) -> Message:
        answer = self._ask(method, attributes)
        problem = answer.get(stun.ERROR_CODE)
        if problem is not None and problem.code in (401, 438):
            self.nonce = answer.get(stun.NONCE) or ""
            self.realm = answer.get(stun.REALM) or ""
            answer = self._ask(method, attributes)
        if answer.cls is not Class.SUCCESS:
            raise SystemExit(f"The relay answered {method.name} with {answer.get(stun.ERROR_CODE)}")
        return answer

    def _ask(self, method: Method, attributes: tuple[stun.Attribute, ...]) -> Message:
        who = [
            stun.USERNAME.of(self.username),
            stun.REALM.of(self.realm),
            stun.NONCE.of(self.nonce),
        ]
        key = stun.long_term_key(self.username, self.realm, self.password)
        known = self.nonce != ""
        self.wire.sendall(
            stun.build(
                method,
                Class.REQUEST,
                secrets.token_bytes(12),
                [*attributes, *(who if known else ())],
                key=key if known else None,
            )
        )
        while True:
            message = self._message()
            if stun.looks_like(message):  # and not the last of what was relayed
                return stun.parse(message)

    def _message(self) -> bytes:
        if self.road == "udp":
            return self.wire.recv(65_536)
        head = self.wire.recv(20, socket.MSG_WAITALL)
        return head + self.wire.recv(int.from_bytes(head[2:4]), socket.MSG_WAITALL)

    def allocate(self) -> Address:
        answer = self.ask(Method.ALLOCATE, stun.REQUESTED_TRANSPORT.of(17))
        relayed = answer.get(stun.XOR_RELAYED_ADDRESS)
        assert relayed is not None
        return relayed

    def bind(self, peer: Address) -> None:
        number, address = stun.CHANNEL_NUMBER.of(CHANNEL), stun.XOR_PEER_ADDRESS.of(peer)
        self.ask(Method.CHANNEL_BIND, number, address)


def over_udp(sender: socket.socket, receiver: socket.socket, seconds: float) -> int:
    """Count datagrams; where none comes for a while, those on their way are given up."""
    frame = channel_data.build(CHANNEL, bytes(PAYLOAD))
    buffer = bytearray(2048)
    came = underway = 0
    receiver.settimeout(SILENCE_S)
    sender.setblocking(True)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for _ in range(UNDERWAY - underway):
            sender.send(frame)
        underway = UNDERWAY
        try:
            receiver.recv_into(buffer)
            taken = 1
        except TimeoutError:
            underway = 0
            continue
        try:
            while taken < UNDERWAY:
                receiver.recv_into(buffer, 0, socket.MSG_DONTWAIT)
                taken += 1
        except BlockingIOError:
            pass
        came += taken
        underway -= taken
    return came


def over_tcp(sender: socket.socket, receiver: socket.socket, seconds: float) -> int:
    """Count frames; on a stream they need no padding, as 1,200 is a multiple of four."""
    frame = channel_data.build(CHANNEL, bytes(PAYLOAD))
    buffer = bytearray(1 << 18)
    came = underway = 0
    receiver.settimeout(SILENCE_S)
    sender.settimeout(3)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        most = UNDERWAY * len(frame)
        fresh = (most - underway) // len(frame)
        sender.sendall(frame * fresh)
        underway += fresh * len(frame)
        try:
            taken = receiver.recv_into(buffer)
        except TimeoutError:
            underway = 0
            continue
        if not taken:
            raise SystemExit("The relay ended the connection")
        came += taken
        underway = max(0, underway - taken)
    return came // len(frame)


def main() -> None:
    port, road, username, password, seconds = sys.argv[1:]
    one, two = (Client(int(port), road, username, password) for _ in range(2))
    at_one, at_two = one.allocate(), two.allocate()
    one.bind(at_two)
    two.bind(at_one)
    send = over_udp if road == "udp" else over_tcp
    send(one.wire, two.wire, WARM_UP_S)
    began = time.monotonic()
    came = send(one.wire, two.wire, float(seconds))
    print(came, time.monotonic() - began)
    for client in (one, two) if road == "udp" else ():  # else they end with the connection
        client.ask(Method.REFRESH, stun.LIFETIME.of(0))


if __name__ == "__main__":
    main()
