"""The two ceremonies of WebAuthn level 3: registration (section 7.1) and authentication (7.2).

Pure. The checks themselves are the library's; what is required, and what a failure looks like from
outside, is decided here. Attestation is not asked for: which maker an authenticator has is nobody's
business here.
"""

import base64
import binascii

import msgspec
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import bytes_to_base64url, parse_client_data_json
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorAssertionResponse,
    AuthenticatorAttestationResponse,
    RegistrationCredential,
)

from protocol.errors import Malformed
from protocol.passkeys import NewPasskey, PasskeyAssertion
from signaling.errors import PasskeyRefused

ALGORITHMS = (
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,  # Windows Hello on older machines
)


class RelyingParty(msgspec.Struct, frozen=True, kw_only=True):
    """Us: the host that passkeys belong to, and the origins of its pages."""

    id: str
    origins: tuple[str, ...]


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A new passkey that is as it should be."""

    id: bytes
    public_key: bytes
    sign_count: int


def verify_new(made: NewPasskey, challenge: bytes, us: RelyingParty) -> Made:
    """Check what an authenticator made; it must have verified its user.

    Raises:
        PasskeyRefused: it answers another challenge, for another page, or is no passkey at all.
        Malformed: not base64url.
    """
    client_data = read_bytes(made.client_data)
    credential = RegistrationCredential(
        id="",  # the true one is in the attestation
        raw_id=b"",
        response=AuthenticatorAttestationResponse(
            client_data_json=client_data, attestation_object=read_bytes(made.attestation)
        ),
    )
    try:
        _refuse_frames(client_data)
        verified = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=us.id,
            expected_origin=list(us.origins),
            require_user_verification=True,
            supported_pub_key_algs=list(ALGORITHMS),
        )
    except Exception:  # strangers' CBOR, and whatever its readers make of it
        raise PasskeyRefused from None
    return Made(
        id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
    )


def verify_use(
    said: PasskeyAssertion,
    challenge: bytes,
    us: RelyingParty,
    public_key: bytes,
    sign_count: int,
) -> int:
    """Check what a passkey signed and give its new count; it must have verified its user.

    Raises:
        PasskeyRefused: a wrong signature, challenge or page, or a count that did not grow.
        Malformed: not base64url.
    """
    client_data, raw_id = read_bytes(said.client_data), read_bytes(said.id)
    credential = AuthenticationCredential(
        id=bytes_to_base64url(raw_id),
        raw_id=raw_id,
        response=AuthenticatorAssertionResponse(
            client_data_json=client_data,
            authenticator_data=read_bytes(said.authenticator_data),
            signature=read_bytes(said.signature),
        ),
    )
    try:
        _refuse_frames(client_data)
        verified = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=us.id,
            expected_origin=list(us.origins),
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
    except Exception:  # strangers' CBOR, and whatever its readers make of it
        raise PasskeyRefused from None
    return verified.new_sign_count


def read_bytes(text: str) -> bytes:
    """Decode base64url.

    Raises:
        Malformed: it is not.
    """
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("The message has a key that is not base64url.") from None


def write_bytes(raw: bytes) -> str:
    """Encode as base64url without padding."""
    return bytes_to_base64url(raw)


def _refuse_frames(client_data: bytes) -> None:
    """The library reads `crossOrigin` and lets it pass; no page of ours is inside another's."""
    if parse_client_data_json(client_data).cross_origin:
        raise PasskeyRefused
