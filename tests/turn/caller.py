"""A client of the relay for tests: words in and out as a browser would say them."""

import socket
from dataclasses import dataclass, field

from protocol import stun
from protocol.roads import turn_password, turn_username
from protocol.stun import Address, Class, Message, Method
from turn.allocations import Allocation
from turn.clients import perform
from turn.credentials import REALM
from turn.limits import Limits
from turn.relay import Relay

SECRET = b"s" * 32
NOW = 1_000.0
WALL = 1_700_000_000.0
HOSTS = {stun.IPV4: "203.0.113.5", stun.IPV6: "2001:db8::5"}
LIMITS = Limits(
    allocations_per_user=3,
    allocations=6,
    bytes_per_s_and_user=10_000,
    bytes_per_s=30_000,
    answers_per_s_and_address=100,
)
UDP = stun.REQUESTED_TRANSPORT.of(17)


def make_relay(hosts: dict[int, str] = HOSTS, limits: Limits = LIMITS) -> Relay:
    return Relay(SECRET, hosts, limits, NOW)


@dataclass(eq=False)
class Caller:
    """One 5-tuple; what the relay sends it is in `inbox`."""

    relay: Relay
    address: Address = ("198.51.100.1", 5000)
    user: str = "anna"
    expires: int = int(WALL) + 600
    now: float = NOW
    wall: float = WALL
    nonce: str | None = None
    inbox: list[bytes] = field(default_factory=list)
    allocation: Allocation | None = None
    may_be_forged: bool = True

    def send(self, data: bytes | memoryview) -> None:
        self.inbox.append(bytes(data))

    def begin(self, allocation: Allocation) -> None:
        self.allocation = allocation

    def end(self) -> None:
        self.allocation = None

    @property
    def username(self) -> str:
        return turn_username(self.user, self.expires)

    @property
    def key(self) -> bytes:
        return stun.long_term_key(self.username, REALM, turn_password(SECRET, self.username))

    def say(self, data: bytes) -> None:
        perform(self.relay.receive(self, data, self.now, self.wall))

    def ask(self, data: bytes) -> Message:
        """Say it and give the one answer."""
        before = len(self.inbox)
        self.say(data)
        assert len(self.inbox) == before + 1, "one request has one answer"
        return stun.parse(self.inbox.pop())

    def request(
        self,
        method: Method,
        *attributes: stun.Attribute,
        transaction_id: bytes | None = None,
    ) -> Message:
        """Ask with credentials, and with a nonce that is got first where there is none."""
        if self.nonce is None:
            challenge = self.ask(stun.build(method, Class.REQUEST, stun.new_transaction_id()))
            self.nonce = challenge.get(stun.NONCE)
        assert self.nonce is not None
        who = [
            stun.USERNAME.of(self.username),
            stun.REALM.of(REALM),
            stun.NONCE.of(self.nonce),
        ]
        answer = self.ask(
            stun.build(
                method,
                Class.REQUEST,
                transaction_id or stun.new_transaction_id(),
                [*attributes, *who],
                key=self.key,
            )
        )
        assert answer.cls is Class.ERROR or answer.integrity_ok(self.key)
        return answer

    def allocate(self, *attributes: stun.Attribute) -> Address:
        """Get an allocation and give its first relayed address."""
        answer = self.request(Method.ALLOCATE, UDP, *attributes)
        assert answer.cls is Class.SUCCESS, code(answer)
        relayed = answer.get(stun.XOR_RELAYED_ADDRESS)
        assert relayed is not None
        return relayed

    def permit(self, *peers: Address) -> Message:
        return self.request(
            Method.CREATE_PERMISSION, *(stun.XOR_PEER_ADDRESS.of(peer) for peer in peers)
        )

    def bind(self, number: int, peer: Address) -> Message:
        return self.request(
            Method.CHANNEL_BIND, stun.CHANNEL_NUMBER.of(number), stun.XOR_PEER_ADDRESS.of(peer)
        )

    def indicate(self, peer: Address, data: bytes, *more: stun.Attribute) -> None:
        attributes = [stun.XOR_PEER_ADDRESS.of(peer), stun.DATA.of(data), *more]
        self.say(stun.build(Method.SEND, Class.INDICATION, stun.new_transaction_id(), attributes))

    def got(self) -> list[bytes]:
        came, self.inbox = self.inbox, []
        return came


def code(answer: Message) -> int | None:
    problem = answer.get(stun.ERROR_CODE)
    return problem.code if problem else None


def pair(relay: Relay) -> tuple[Caller, Address, Caller, Address]:
    """Two allocations that permitted each other."""
    anna = Caller(relay)
    home = Caller(relay, address=("198.51.100.2", 6000), user="home:1")
    at_anna, at_home = anna.allocate(), home.allocate()
    assert code(anna.permit(at_home)) is None
    assert code(home.permit(at_anna)) is None
    return anna, at_anna, home, at_home


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
