"""Peers that no relay of ours may ever reach, whoever asks, and a client that asks over UDP."""

import socket
from dataclasses import dataclass, field

from protocol import stun
from protocol.stun import Address, Class, Message, Method

REFUSED_V4 = [
    "0.0.0.0",
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.1.1",
    "169.254.169.254",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.251",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "8.8.8.8",
    "203.0.113.77",  # where a second relay may be
]
REFUSED_V6 = [
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",  # the metadata of one cloud
    "fe80::1",
    "ff02::fb",
    "2606:4700::1111",
    "2001:db8::77",  # where a second relay may be
]
FORBIDDEN = (403, 443)
PORTS = (1, 53, 80, 49_999)


@dataclass
class WireClient:
    """A client on a real UDP socket; its credentials are long-term ones."""

    server: Address
    username: str
    password: str
    realm: str = ""
    nonce: str | None = None
    wire: socket.socket = field(init=False)
    _channel: int = 0x4000

    def __post_init__(self) -> None:
        family = socket.AF_INET6 if ":" in self.server[0] else socket.AF_INET
        self.wire = socket.socket(family, socket.SOCK_DGRAM)
        self.wire.settimeout(3)
        self.wire.connect(self.server)

    def __enter__(self) -> "WireClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.wire.close()

    def request(self, method: Method, *attributes: stun.Attribute) -> Message:
        """Ask, again with a nonce where there was none, and give the answer."""
        answer = self._ask(method, attributes)
        nonce = answer.get(stun.NONCE)
        if nonce is not None:
            self.nonce, self.realm = nonce, answer.get(stun.REALM) or ""
            answer = self._ask(method, attributes)
        return answer

    def _ask(self, method: Method, attributes: tuple[stun.Attribute, ...]) -> Message:
        transaction_id = stun.new_transaction_id()
        who: list[stun.Attribute] = []
        key = None
        if self.nonce is not None:
            who = [
                stun.USERNAME.of(self.username),
                stun.REALM.of(self.realm),
                stun.NONCE.of(self.nonce),
            ]
            key = stun.long_term_key(self.username, self.realm, self.password)
        self.wire.send(
            stun.build(method, Class.REQUEST, transaction_id, [*attributes, *who], key=key)
        )
        while True:
            answer = stun.parse(self.wire.recv(2048))
            if answer.transaction_id == transaction_id:
                return answer

    def allocate(self, family: int) -> Address:
        answer = self.request(
            Method.ALLOCATE,
            stun.REQUESTED_TRANSPORT.of(17),
            stun.REQUESTED_ADDRESS_FAMILY.of(family),
        )
        relayed = answer.get(stun.XOR_RELAYED_ADDRESS)
        assert relayed is not None, answer.get(stun.ERROR_CODE)
        return relayed

    def reaches(self, peer: Address) -> list[str]:
        """Give the ways that are open to a peer; none where all are refused."""
        address = stun.XOR_PEER_ADDRESS.of(peer)
        self._channel += 1
        number = stun.CHANNEL_NUMBER.of(self._channel)
        ways = {
            "permission": self.request(Method.CREATE_PERMISSION, address),
            "channel": self.request(Method.CHANNEL_BIND, number, address),
        }
        for answer in ways.values():
            problem = answer.get(stun.ERROR_CODE)
            assert problem is None or problem.code in FORBIDDEN, problem
        return [way for way, answer in ways.items() if answer.cls is not Class.ERROR]
