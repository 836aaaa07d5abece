"""Triggered checks (RFC 8445, section 7.3.1.4) of a pair whose check is in progress.

The PC's first check goes out before the device has the answer, and the device's NAT drops it. The
device's own check then shows that the way is open. aioice leaves it at that and repeats what was
lost after its retransmission time, half a second later: nearly all that opening took.
"""

import aioice
from aioice.ice import CandidatePair, StunProtocol
from aioice.stun import Message


def prepare(connection: aioice.Connection) -> None:
    """Have the connection repeat a check that waits for its answer when the device's check comes.

    The same transaction and not a new one, as the standard has it: so an answer that is on its way
    already counts, where the round trip is longer than the device's checks are apart.
    """
    build, take = connection.build_request, connection.check_incoming
    latest: dict[tuple[StunProtocol, tuple[str, int]], Message] = {}

    def build_request(pair: CandidatePair, nominate: bool) -> Message:
        request = build(pair, nominate)
        latest[pair.protocol, pair.remote_addr] = request
        return request

    def check_incoming(message: Message, addr: tuple[str, int], protocol: StunProtocol) -> None:
        take(message, addr, protocol)
        request = latest.get((protocol, addr))
        if request is not None and request.transaction_id in protocol.transactions:
            protocol.send_stun(request, addr)

    setattr(connection, "build_request", build_request)  # noqa: B010
    setattr(connection, "check_incoming", check_incoming)  # noqa: B010
