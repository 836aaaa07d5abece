"""What a client and the VDS say over HTTP about passkeys (WebAuthn level 3).

Bytes travel as base64url without padding, as in WebAuthn's own JSON.
"""

from typing import Annotated

import msgspec

from protocol.base import Count, Name, Record

Bytes = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]*$(?!\n)", max_length=8192)]


class PasskeyCreation(Record, frozen=True, kw_only=True):
    """What the browser is asked to make; what never varies the app knows by itself."""

    challenge: Bytes
    rp_id: str
    user_handle: Bytes
    user_name: Name
    algorithms: list[int]
    exclude: list[Bytes]
    timeout_ms: Count


class NewPasskey(Record, frozen=True, kw_only=True):
    """What an authenticator made, and what the person calls it."""

    name: Name
    client_data: Bytes
    attestation: Bytes


class PasskeyRequest(Record, frozen=True, kw_only=True):
    """What any passkey of this server is asked to sign."""

    challenge: Bytes
    rp_id: str
    timeout_ms: Count


class PasskeyAssertion(Record, frozen=True, kw_only=True):
    """What a passkey signed. Log in with it."""

    id: Bytes
    client_data: Bytes
    authenticator_data: Bytes
    signature: Bytes
    user_handle: Bytes


class Passkey(Record, frozen=True, kw_only=True):
    """A passkey of the person who asks. Times are milliseconds since 1970."""

    id: Bytes
    name: Name
    created_ms: Count
    used_ms: Count | None = None


class PasskeyList(Record, frozen=True, kw_only=True):
    """The passkeys of the person who asks, the oldest first."""

    passkeys: list[Passkey]
