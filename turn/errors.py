"""Every error of the relay.

TurnError
├── Refused               answered to a client, with a code of STUN
├── BadFraming            what comes over TCP is neither STUN nor ChannelData: the connection ends
└── CannotStart           the process ends with its sentence and exit status 1
    ├── BadSetting        a setting of the environment or of .env.universal
    ├── PortTaken         something else listens there
    └── SecretUnusable    the file of the secret cannot be made or read

What is no STUN raises `protocol.stun.NotStun` and is not answered.
"""

from protocol import stun

_REASONS = {
    400: "Bad Request",
    401: "Unauthenticated",
    403: "Forbidden",
    420: "Unknown Attribute",
    437: "Allocation Mismatch",
    438: "Stale Nonce",
    440: "Address Family not Supported",
    441: "Wrong Credentials",
    442: "Unsupported Transport Protocol",
    443: "Peer Address Family Mismatch",
    486: "Allocation Quota Reached",
    508: "Insufficient Capacity",
}


class TurnError(Exception):
    """Anything that goes wrong in the relay."""


class Refused(TurnError):
    """A request is answered with an error (RFC 8489, section 14.8; RFC 8656, section 19)."""

    def __init__(self, code: int, *attributes: stun.Attribute) -> None:
        super().__init__(code)
        self.code = code
        self.attributes = (stun.ERROR_CODE.of(problem(code)), *attributes)


class BadFraming(TurnError):
    """The bytes of a stream cannot begin a message."""


class CannotStart(TurnError):
    """The relay cannot start; the sentence says what to do."""


class BadSetting(CannotStart):
    """A setting has a value that cannot be."""


class PortTaken(CannotStart):
    """Something else listens on the port."""


class SecretUnusable(CannotStart):
    """The secret that credentials are made with cannot be made or read."""


def problem(code: int) -> stun.Problem:
    """Give the code with the standards' phrase for it."""
    return stun.Problem(code, _REASONS[code])
