"""The signaling server that a device came by, as far as its connection needs it."""

from typing import Protocol

from gpu_peer.transports.ice_servers import IceServers
from protocol.signaling import Signal


class Introducer(Protocol):
    """One of the servers that know this home. Peers, rooms and accounts are each server's own."""

    async def post(self, room: str, peer: str, signal: Signal) -> None:
        """Hand a signal to a peer of a room."""

    async def vouch(self, room: str) -> None:
        """Say that this home knows a device of the room's person."""

    def ice_servers(self) -> IceServers:
        """Give the servers of its own that answer now. It does not wait."""

    def relay_failed(self) -> None:
        """Say that a relay given by `ice_servers` gave a connection no allocation."""
