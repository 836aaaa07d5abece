"""How a message reaches a peer's socket: an interface, so that one node can become many.

In one process the bus is a table of outboxes. Between several it would publish what it does not
hold itself.
"""

from collections.abc import Iterable
from typing import Protocol

from protocol import codec
from protocol.signaling import FromVds
from signaling.errors import Refused
from signaling.outbox import Outbox
from signaling.rooms import Delivery


class Bus(Protocol):
    """Delivers to peers, wherever their sockets are."""

    def attach(self, peer: str, session: str, outbox: Outbox) -> None:
        """Take in the socket of a peer. `session` is whose it is; a home is its own."""

    def detach(self, peer: str, session: str) -> None:
        """Forget a peer."""

    def deliver(self, deliveries: Iterable[Delivery]) -> None:
        """Hand messages to the peers that are there, in this order for each; never waits."""

    def close_peer(self, peer: str, why: Refused) -> None:
        """Tell a peer why and close its socket."""

    def close_session(self, session: str, why: Refused) -> None:
        """Tell every peer of a session why and close its sockets."""


class LocalBus:
    """Implements `Bus` for the sockets of this process."""

    def __init__(self) -> None:
        self._outboxes: dict[str, Outbox] = {}
        self._peers_of_session: dict[str, set[str]] = {}

    def attach(self, peer: str, session: str, outbox: Outbox) -> None:
        """See `Bus`."""
        self._outboxes[peer] = outbox
        self._peers_of_session.setdefault(session, set()).add(peer)

    def detach(self, peer: str, session: str) -> None:
        """See `Bus`."""
        if self._outboxes.pop(peer, None) is None:
            return
        peers = self._peers_of_session[session]
        peers.discard(peer)
        if not peers:
            del self._peers_of_session[session]

    def deliver(self, deliveries: Iterable[Delivery]) -> None:
        """See `Bus`."""
        for delivery in deliveries:
            if outbox := self._outboxes.get(delivery.to):
                outbox.push(_encode(delivery.message))

    def close_peer(self, peer: str, why: Refused) -> None:
        """See `Bus`."""
        if outbox := self._outboxes.get(peer):
            outbox.refuse(why)

    def close_session(self, session: str, why: Refused) -> None:
        """See `Bus`."""
        for peer in self._peers_of_session.get(session, ()):
            self.close_peer(peer, why)


def _encode(message: FromVds) -> bytes:
    return codec.encode(message)
