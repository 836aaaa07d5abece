"""Connectivity checks of ICE (RFC 8445, section 7): what they say, and their answer. Pure."""

from dataclasses import dataclass

from protocol import stun
from protocol.stun import Address, Message, NotStun


@dataclass(frozen=True)
class Check:
    """A Binding request that could be a check. Nobody has vouched for it yet: see `is_by`.

    Attributes:
        transaction: 12 bytes; the same again where the request was sent again.
        ufrag: This end's, by which the device is known.
        client: The device's, which it makes anew for each connection.
        nominates: The device wants this path to be used.
    """

    transaction: bytes
    ufrag: str
    client: str
    nominates: bool
    message: Message

    def is_by(self, password: str) -> bool:
        """Whether whoever made it knows the password."""
        return self.message.integrity_ok(stun.short_term_key(password))

    def answer(self, source: Address, password: str) -> bytes:
        """Give the success response (section 7.3.1), which is shorter than any check."""
        mapped = stun.XOR_MAPPED_ADDRESS.of(source)
        key = stun.short_term_key(password)
        return stun.build(
            stun.Method.BINDING,
            stun.Class.SUCCESS,
            self.transaction,
            [mapped],
            key=key,
            fingerprint=True,
        )


def read_check(data: bytes) -> Check | None:
    """Read a check; None of everything else, which gets no answer."""
    try:
        message = stun.parse(data)
    except NotStun:
        return None
    if message.method != stun.Method.BINDING or message.cls is not stun.Class.REQUEST:
        return None
    ufrag, colon, client = (message.get(stun.USERNAME) or "").partition(":")
    # What must be understood and is not (RFC 8489, section 14), or has no fingerprint, is not ICE.
    if not colon or not client or message.unknown or not message.has_fingerprint:
        return None
    nominates = message.has(stun.USE_CANDIDATE)
    return Check(message.transaction_id, ufrag, client, nominates, message)


def is_stun(data: bytes) -> bool:
    """Whether a datagram is STUN and not DTLS (RFC 7983, section 7)."""
    return len(data) > 0 and data[0] < 4


def is_dtls(data: bytes) -> bool:
    """Whether a datagram is DTLS (RFC 7983, section 7)."""
    return len(data) > 0 and 20 <= data[0] <= 63


def is_client_hello(data: bytes) -> bool:
    """Whether a datagram begins a DTLS connection (RFC 6347, sections 4.1 and 4.2.2).

    Content type 'handshake', epoch 0, message type 'client_hello'.
    """
    return len(data) > 13 and data[0] == 22 and data[3:5] == b"\0\0" and data[13] == 1
