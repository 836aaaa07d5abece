"""The beginning of every connection, on every road: who is there, before anything else is said.

The shell around the machines of `trust`. Until a device is bound the channel is read with the
decoder of these machines only, so that a message of a chat is not even understood.
"""

import asyncio
import secrets
from typing import Protocol

from gpu_peer.clock import Clock
from gpu_peer.errors import ChannelClosed
from gpu_peer.household.household import Household
from gpu_peer.transports.channel import Channel
from gpu_peer.trust import connect, pairing
from gpu_peer.trust.connect import Connect, Fingerprints, Open, Send
from gpu_peer.trust.invitation import REASONS, Invitation
from gpu_peer.trust.pairing import Pairing, Register, ShowCode
from protocol import codec
from protocol.errors import ErrorCode, ProtocolError
from protocol.roads import LanTicket
from protocol.trust import Bound, FromHome, PairRequest, TrustError

TICK_S = 0.25
NONCE_BYTES = 32

Machine = Connect | Pairing
Effect = connect.Effect | pairing.Effect


class Tickets(Protocol):
    """Where tickets for the LAN dial are had."""

    async def ticket(self, device: str) -> LanTicket | None:
        """Give a device its ticket; None where it cannot dial this PC."""


class _Over(Exception):
    """The reception has come to its end, by whatever way."""


class Reception:
    """Receives one device. A paired one is received once more, as known."""

    def __init__(
        self,
        household: Household,
        channel: Channel,
        fingerprints: Fingerprints,
        clock: Clock,
        tickets: Tickets | None = None,
    ) -> None:
        self._household = household
        self._tickets = tickets
        self._channel = channel
        self._fingerprints = fingerprints
        self._clock = clock
        self._invitation: Invitation | None = None
        self._machine: Machine = self._new_connect()
        self._heard = False
        self._opened: Open | None = None
        self._refusal: TrustError | None = None
        self._answers: asyncio.Queue[bool] = asyncio.Queue()

    async def run(self) -> Open | None:
        """Give whose chats to serve; None where nobody proved anything, and was told why."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen())
                group.create_task(self._pulse())
                group.create_task(self._take_answers())
        except* (ChannelClosed, _Over):
            pass
        finally:
            self._conclude_pairing()
        return self._opened

    async def _listen(self) -> None:
        while True:
            try:
                message = await self._channel.receive(codec.trust_to_home)
            except ProtocolError as error:
                await self._perform(self._machine.receive_bad(error, self._now_ms()))
                continue
            if isinstance(message, PairRequest) and not self._heard:
                self._machine = self._new_pairing()
            self._heard = True
            await self._perform(self._machine.receive(message, self._now_ms()))

    async def _pulse(self) -> None:
        while True:
            await self._clock.sleep(TICK_S)
            await self._perform(self._machine.tick(self._now_ms()))

    async def _take_answers(self) -> None:
        while True:
            equal = await self._answers.get()
            if isinstance(self._machine, Pairing):
                await self._perform(self._machine.answer(equal, self._now_ms()))

    async def _perform(self, effects: list[connect.Effect] | list[pairing.Effect]) -> None:
        for effect in effects:
            await self._do(effect)
        match self._machine.state:
            case connect.State.BOUND | connect.State.CLOSED | pairing.State.CLOSED:
                raise _Over
            case pairing.State.PAIRED:
                self._conclude_pairing()
                self._machine, self._heard = self._new_connect(), True

    async def _do(self, effect: Effect) -> None:
        match effect:
            case Send():
                if isinstance(effect.message, TrustError):
                    self._refusal = effect.message
                await self._channel.send(await self._with_ticket(effect.message))
            case Open():
                self._opened = effect
            case ShowCode() if self._invitation is not None:
                self._household.invitations.ask(self._invitation, effect, self._answers.put_nowait)
            case Register() if isinstance(self._machine, Pairing):
                # Shielded: disk and memory agree, whatever the device does meanwhile.
                reason = await asyncio.shield(self._household.register(effect))
                await self._perform(self._machine.stored(reason))

    async def _with_ticket(self, message: FromHome) -> FromHome:
        """Have a device that is bound told how to come the next time."""
        device = self._machine.device if isinstance(self._machine, Connect) else None
        if not isinstance(message, Bound) or device is None or self._tickets is None:
            return message
        return Bound(lan=await self._tickets.ticket(device.id))

    def _conclude_pairing(self) -> None:
        """Tell whoever invited what became of it, where this device has used the invitation up."""
        machine, invitation = self._machine, self._invitation
        if not isinstance(machine, Pairing) or invitation is None:
            return
        self._invitation = None
        invitations = self._household.invitations
        if machine.state is pairing.State.PAIRED and machine.device_id is not None:
            invitations.paired(invitation, machine.device_id)
        elif machine.is_let_in:
            code: ErrorCode = self._refusal.code if self._refusal else "pairing_used"
            text = self._refusal.message if self._refusal else "The device went away. Begin again."
            invitations.failed(invitation, code, text)
        elif invitation.is_locked:
            invitations.failed(invitation, "pairing_locked", REASONS["pairing_locked"])

    def _new_connect(self) -> Connect:
        household = self._household
        return Connect(
            household.signer,
            household.devices,
            self._fingerprints,
            secrets.token_bytes(NONCE_BYTES),
            self._now_ms(),
        )

    def _new_pairing(self) -> Pairing:
        self._invitation = self._household.invitations.current
        return Pairing(
            self._household.signer,
            self._invitation,
            self._fingerprints,
            secrets.token_bytes(NONCE_BYTES),
            self._now_ms(),
        )

    def _now_ms(self) -> int:
        return int(self._clock.now_s() * 1000)
