"""All connections that came by way of the signaling server, and how many there may be."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog
from aiortc import RTCCertificate

from gpu_peer.transports.channel import Channel
from gpu_peer.transports.introducer import Introducer
from gpu_peer.transports.signaled import SignaledSession
from gpu_peer.trust.connect import Fingerprints
from protocol.errors import ErrorCode, Malformed
from protocol.roads import RoadName
from protocol.signaling import Answer, Candidate, Offer, Refusal, RoomPeer, Signal, SignalPosted

PER_ACCOUNT = 16
IN_ALL = 128

Serve = Callable[[Channel, Fingerprints], Awaitable[None]]
"""Finds out who is at the other end, and talks to them until the channel is closed."""

ServeRoad = Callable[[RoadName, Callable[[], None]], Serve]
"""Gives what serves a channel of this road, and calls the function once it knows its device."""

# Each server names peers and accounts by itself, so its names count beside it only.
_Key = tuple[Introducer, str, str]
_Account = tuple[Introducer, str | None]

log = structlog.get_logger()


class Signals(Protocol):
    """What takes the signals that the signaling server hands on."""

    def take(self, posted: SignalPosted, introducer: Introducer) -> None:
        """Take a signal; answers go back by the introducer."""


def account_of(sender: RoomPeer) -> str | None:
    """Give the account that a device is logged in to, by the signaling server's word.

    It limits how many connections there may be, and nothing else: who a connection is, its device
    proves with its key.
    """
    return sender.user.id if sender.role == "device" and sender.user is not None else None


class SignaledSessions:
    """See `Signals`. A connection goes on when the signaling server is gone."""

    def __init__(self, certificate: RTCCertificate, serve: ServeRoad) -> None:
        self._certificate = certificate
        self._serve = serve
        self._sessions: dict[_Key, tuple[_Account, SignaledSession]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._sessions)

    def take(self, posted: SignalPosted, introducer: Introducer) -> None:
        """See `Signals`."""
        match posted.signal:
            case Offer():
                self._take_offer(posted, posted.signal, introducer)
            case Candidate() as candidate:
                known = self._sessions.get((introducer, posted.sender.id, candidate.connection))
                if known is not None:
                    self._spawn(known[1].add_candidate(candidate))
            case Answer() | Refusal():
                pass  # This end makes no offers.

    async def close(self) -> None:
        """Cut every connection and wait until they are gone."""
        sessions = [session for _, session in self._sessions.values()]
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        for session in sessions:
            await session.close()

    def _take_offer(self, posted: SignalPosted, offer: Offer, introducer: Introducer) -> None:
        key = (introducer, posted.sender.id, offer.connection)
        if key in self._sessions:
            return  # An ICE restart, which aiortc cannot do: the device opens a new connection.
        account = account_of(posted.sender)
        reason = self._reason_against((introducer, account))
        if account is None or reason is not None:
            code, sentence = reason or ("not_authenticated", "Log in first.")
            refusal = Refusal(connection=offer.connection, code=code, message=sentence)
            self._spawn(introducer.post(posted.room, posted.sender.id, refusal))
            return

        def vouch() -> None:
            self._spawn(introducer.vouch(posted.room))

        session = SignaledSession(
            self._certificate,
            lambda road: self._serve(road, vouch),
            introducer.ice_servers(),
            introducer.relay_failed,
        )
        self._sessions[key] = ((introducer, account), session)
        self._spawn(self._run(key, session, posted, offer, introducer))

    def _reason_against(self, account: _Account) -> tuple[ErrorCode, str] | None:
        mine = sum(owner == account for owner, _ in self._sessions.values())
        if len(self._sessions) >= IN_ALL or mine >= PER_ACCOUNT:
            return "too_many_connections", "Too many devices are connected. Close one and retry."
        return None

    async def _run(
        self,
        key: _Key,
        session: SignaledSession,
        posted: SignalPosted,
        offer: Offer,
        introducer: Introducer,
    ) -> None:
        try:
            signal: Signal
            try:
                signal = Answer(connection=offer.connection, sdp=await session.accept(offer.sdp))
            except Malformed as error:
                signal = Refusal(connection=offer.connection, code=error.code, message=str(error))
            await introducer.post(posted.room, posted.sender.id, signal)
            if isinstance(signal, Answer):
                await session.run()
        finally:
            try:
                await session.close()
            finally:
                del self._sessions[key]
            log.debug("connection_ended", open=len(self._sessions))

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
