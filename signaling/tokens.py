"""Tokens: signed here for devices, and by a home for itself. Pure; the time is an argument.

An access token is a JWT after RFC 9068 (`typ` at+jwt), a home's assertion one after RFC 7523: about
itself (`typ` home+jwt), or about its owner, who sits at it (`typ` home-login+jwt). All are EdDSA
(RFC 8037), and nothing but EdDSA is ever accepted.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from typing import TypeVar

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from protocol.accounts import User
from protocol.base import Name
from signaling.errors import RateLimited, TokenExpired, TokenInvalid

ACCESS_SECONDS = 300
ASSERTION_SECONDS = 60
CLOCK_SKEW_S = 30
"""How far a home's clock may be from ours."""

ACCESS_TYPE = "at+jwt"
HOME_TYPE = "home+jwt"
HOME_LOGIN_TYPE = "home-login+jwt"
_HEADER = {"alg", "typ", "kid"}
_jws = jwt.PyJWS(algorithms=["EdDSA"])


class Jwk(msgspec.Struct, frozen=True, kw_only=True):
    """A public key after RFC 7517 and RFC 8037."""

    kty: str
    crv: str
    x: str
    kid: str
    use: str
    alg: str


class Jwks(msgspec.Struct, frozen=True, kw_only=True):
    """The keys that verify this server's access tokens."""

    keys: list[Jwk]


class AccessClaims(msgspec.Struct, frozen=True, kw_only=True):
    """What an access token says. `sid` is the session, which can be revoked."""

    iss: str
    aud: str
    sub: str
    name: str
    sid: str
    jti: str
    iat: int
    nbf: int
    exp: int

    @property
    def user(self) -> User:
        """The person the token speaks of."""
        return User(id=self.sub, name=self.name)


class HomeClaims(msgspec.Struct, frozen=True, kw_only=True):
    """What a home asserts. `iss` and `sub` are its id, `name` is its own, or its owner's."""

    iss: str
    aud: str
    sub: str
    name: Name
    jti: str
    iat: int
    exp: int


Claims = TypeVar("Claims", AccessClaims, HomeClaims)

_access = msgspec.json.Decoder(AccessClaims)
_home = msgspec.json.Decoder(HomeClaims)


class Signer:
    """Signs access tokens with one key and publishes its public half."""

    def __init__(self, key: Ed25519PrivateKey, origin: str) -> None:
        self._key = key
        self._origin = origin
        public = key.public_key()
        x = _base64url(public.public_bytes(Encoding.Raw, PublicFormat.Raw))
        self.kid = _thumbprint(x)
        self.keys: dict[str, Ed25519PublicKey] = {self.kid: public}
        self.jwks = Jwks(
            keys=[Jwk(kty="OKP", crv="Ed25519", x=x, kid=self.kid, use="sig", alg="EdDSA")]
        )

    def mint(self, user: User, session: str, now: float) -> str:
        """Sign an access token for the user's session, good for ACCESS_SECONDS."""
        at = int(now)
        claims = AccessClaims(
            iss=self._origin,
            aud=self._origin,
            sub=user.id,
            name=user.name,
            sid=session,
            jti=secrets.token_urlsafe(16),
            iat=at,
            nbf=at,
            exp=at + ACCESS_SECONDS,
        )
        header = {"typ": ACCESS_TYPE, "kid": self.kid}
        return _jws.encode(msgspec.json.encode(claims), self._key, "EdDSA", headers=header)

    def verify(self, token: str, now: float) -> AccessClaims:
        """Check an access token in every respect.

        Raises:
            TokenInvalid: not ours, not EdDSA, for somebody else, or not yet valid.
            TokenExpired: it was good once.
        """
        claims = _read(_access, _open(token, ACCESS_TYPE, self.keys))
        if claims.iss != self._origin or claims.aud != self._origin:
            raise TokenInvalid
        _check_times(claims.iat, claims.exp, ACCESS_SECONDS, now)
        if claims.nbf > now + CLOCK_SKEW_S:
            raise TokenInvalid
        return claims


def verify_home(
    token: str,
    homes: Mapping[str, Ed25519PublicKey],
    origin: str,
    now: float,
    typ: str = HOME_TYPE,
) -> HomeClaims:
    """Check a home's assertion in every respect but replay, which `Replays` remembers.

    Raises:
        TokenInvalid: not an admitted home, not EdDSA, for another server, or good for too long.
        TokenExpired: too old, or the home's clock is wrong.
    """
    kid = _header(token)["kid"]
    claims = _read(_home, _open(token, typ, homes))
    if claims.iss != kid or claims.sub != kid or claims.aud != origin:
        raise TokenInvalid
    _check_times(claims.iat, claims.exp, ASSERTION_SECONDS, now)
    return claims


def type_of(token: str) -> str:
    """Give the `typ` a token claims, unverified: which of the two verifications to use.

    Raises:
        TokenInvalid: it has no header of the accepted form.
    """
    return _header(token)["typ"]


class Replays:
    """Remembers the assertions that were used until they expire by themselves."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._until: dict[tuple[str, str], float] = {}

    def use(self, claims: HomeClaims, now: float) -> None:
        """Note an assertion as used.

        Raises:
            TokenInvalid: it was used before.
            RateLimited: more are in use at once than are remembered.
        """
        seen = (claims.iss, claims.jti)
        if seen in self._until:
            raise TokenInvalid
        if len(self._until) >= self._bound:
            self._until = {key: until for key, until in self._until.items() if until > now}
            if len(self._until) >= self._bound:
                raise RateLimited(retry_after=ASSERTION_SECONDS)
        self._until[seen] = claims.exp + CLOCK_SKEW_S


def _header(token: str) -> dict[str, str]:
    """Give the header if it has exactly the three keys we use.

    `jku`, `jwk` and `x5u` would let the sender name the key to check with, `crit` demands what we
    do not do, so a header with anything more is refused unread.
    """
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise TokenInvalid from None
    if set(header) != _HEADER or not all(isinstance(value, str) for value in header.values()):
        raise TokenInvalid
    return header


def _open(token: str, typ: str, keys: Mapping[str, Ed25519PublicKey]) -> bytes:
    """Give the signed bytes of a token."""
    header = _header(token)
    key = keys.get(header["kid"])
    if header["alg"] != "EdDSA" or header["typ"] != typ or key is None:
        raise TokenInvalid
    try:
        payload: bytes = _jws.decode(token, key, algorithms=["EdDSA"])
    except (jwt.PyJWTError, ValueError):
        raise TokenInvalid from None
    return payload


def _read(decoder: "msgspec.json.Decoder[Claims]", payload: bytes) -> Claims:
    try:
        return decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise TokenInvalid from None


def _check_times(issued: int, expires: int, longest: int, now: float) -> None:
    if issued > now + CLOCK_SKEW_S or not 0 < expires - issued <= longest:
        raise TokenInvalid
    if expires + (CLOCK_SKEW_S if longest == ASSERTION_SECONDS else 0) <= now:
        raise TokenExpired


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _thumbprint(x: str) -> str:
    """Give the RFC 7638 thumbprint of an Ed25519 key (RFC 8037, appendix A.3)."""
    canonical = f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'
    return _base64url(hashlib.sha256(canonical.encode()).digest())
