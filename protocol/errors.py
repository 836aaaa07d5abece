"""Every error that crosses the wire, by its stable code.

ProtocolError
├── Malformed            the bytes are not a message
├── UnknownType          a message of a type this version does not know
├── UnsupportedVersion   the two ends speak different versions
└── TooLarge             more bytes than the limit
"""

from typing import ClassVar, Literal

ErrorCode = Literal[
    # any road
    "malformed",
    "unknown_type",
    "unsupported_version",
    "too_large",
    "rate_limited",
    "internal",
    # accounts
    "wrong_credentials",
    "username_taken",
    "passkey_refused",
    "passkeys_full",
    "passkeys_unavailable",
    "passkeys_needed",
    "reauthentication_needed",
    "not_logged_in",
    "token_expired",
    "token_invalid",
    "session_revoked",
    "origin_refused",
    "not_found",
    # signaling
    "not_authenticated",
    "room_unknown",
    "peer_unreachable",
    "too_many_connections",
    "replaced",
    # trust
    "device_unknown",
    "device_revoked",
    "proof_wrong",
    "too_late",
    "pairing_closed",
    "pairing_expired",
    "pairing_used",
    "pairing_locked",
    "pairing_code_wrong",
    "pairing_declined",
    "device_taken",
    # people and devices
    "not_allowed",
    "list_refused",
    # chat
    "not_ready",
    "chat_unknown",
    "chat_exists",
    "message_unknown",
    "answer_unknown",
    "answer_running",
    "text_empty",
    "context_full",
    "engine_busy",
    "model_failed",
    "storage_failed",
]


class ProtocolError(ValueError):
    """What came over the wire cannot be taken.

    The message is a sentence for a person; it never repeats what was received.
    """

    code: ClassVar[ErrorCode]


class Malformed(ProtocolError):
    """The bytes are not a message: not UTF-8, not JSON, or not of the promised shape."""

    code = "malformed"


class UnknownType(ProtocolError):
    """The message is well formed, but this version does not know its type."""

    code = "unknown_type"


class UnsupportedVersion(ProtocolError):
    """The other end speaks a version of the protocol that this end does not."""

    code = "unsupported_version"


class TooLarge(ProtocolError):
    """The message has more bytes than the wire carries."""

    code = "too_large"
