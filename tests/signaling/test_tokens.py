"""Only what we signed, for us, now."""

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from protocol.accounts import User
from signaling.config import home_id
from signaling.errors import RateLimited, TokenExpired, TokenInvalid
from signaling.tokens import (
    ACCESS_SECONDS,
    CLOCK_SKEW_S,
    Replays,
    Signer,
    type_of,
    verify_home,
)

ORIGIN = "https://hearth.example"
NOW = 1_790_000_000.0
KEY = Ed25519PrivateKey.generate()
SIGNER = Signer(KEY, ORIGIN)
USER = User(id="u1", name="Ann")
HOME_KEY = Ed25519PrivateKey.generate()
HOME = home_id(HOME_KEY.public_key().public_bytes_raw())
HOMES = {HOME: HOME_KEY.public_key()}


def forged(
    key: Any = KEY, alg: str = "EdDSA", headers: dict[str, Any] | None = None, **claims: Any
) -> str:
    """Make a token like ours, but for what the test changes; a claim of None is left out."""
    now = int(NOW)
    all_claims = {
        "iss": ORIGIN, "aud": ORIGIN, "sub": "u1", "name": "Ann", "sid": "s1", "jti": "j1",
        "iat": now, "nbf": now, "exp": now + ACCESS_SECONDS, **claims,
    }  # fmt: skip
    return jwt.PyJWS(algorithms=["EdDSA", "HS256", "none"]).encode(
        json.dumps({k: v for k, v in all_claims.items() if v is not None}).encode(),
        key,
        alg,
        headers={"typ": "at+jwt", "kid": SIGNER.kid, **(headers or {})},
    )


def assertion(key: Any = HOME_KEY, headers: dict[str, Any] | None = None, **claims: Any) -> str:
    now = int(NOW)
    all_claims = {
        "iss": HOME, "sub": HOME, "aud": ORIGIN, "iat": now, "exp": now + 60, "jti": "j1",
        "name": "PC", **claims,
    }  # fmt: skip
    return jwt.encode(
        {k: v for k, v in all_claims.items() if v is not None},
        key,
        "EdDSA",
        headers={"typ": "home+jwt", "kid": HOME, **(headers or {})},
    )


def test_what_is_minted_verifies() -> None:
    token = SIGNER.mint(USER, "s1", NOW)
    claims = SIGNER.verify(token, NOW + ACCESS_SECONDS - 1)
    assert (claims.user, claims.sid) == (USER, "s1")
    assert claims.exp - claims.iat == 300
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "typ": "at+jwt", "kid": SIGNER.kid}
    SIGNER.verify(forged(), NOW)  # so the refusals below are for what each changes


def test_a_published_key_verifies_a_token() -> None:
    published = jwt.PyJWK.from_json(
        json.dumps(
            {f: getattr(SIGNER.jwks.keys[0], f) for f in SIGNER.jwks.keys[0].__struct_fields__}
        )
    )
    claims = jwt.decode(
        SIGNER.mint(USER, "s1", NOW), published, ["EdDSA"], audience=ORIGIN, issuer=ORIGIN,
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )  # fmt: skip
    assert claims["sub"] == "u1"


def test_an_expired_token_is_told_from_an_invalid_one() -> None:
    with pytest.raises(TokenExpired):
        SIGNER.verify(SIGNER.mint(USER, "s1", NOW), NOW + ACCESS_SECONDS)


_PUBLIC_PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
_PUBLIC_RAW = KEY.public_key().public_bytes_raw()


def _hs256(secret: bytes) -> str:
    """Sign with HMAC; PyJWT itself refuses a PEM key as a secret, an attacker's tool does not."""
    import base64
    import hashlib
    import hmac

    _, payload, _ = forged().split(".")
    header = (
        base64.urlsafe_b64encode(
            json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": SIGNER.kid}).encode()
        )
        .rstrip(b"=")
        .decode()
    )
    mac = hmac.digest(secret, f"{header}.{payload}".encode(), hashlib.sha256)
    return f"{header}.{payload}." + base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(forged(key=Ed25519PrivateKey.generate()), id="another key"),
        pytest.param(forged(key=None, alg="none"), id="alg none"),
        pytest.param(_hs256(_PUBLIC_PEM), id="HS256 with the public key as PEM"),
        pytest.param(_hs256(_PUBLIC_RAW), id="HS256 with the public key raw"),
        pytest.param(forged(headers={"jku": "https://evil.example/keys"}), id="jku"),
        pytest.param(forged(headers={"x5u": "https://evil.example/cert"}), id="x5u"),
        pytest.param(forged(headers={"jwk": {"kty": "OKP"}}), id="jwk"),
        pytest.param(forged(headers={"typ": "JWT"}), id="typ JWT"),
        pytest.param(forged(headers={"typ": "home+jwt"}), id="typ of the other kind"),
        pytest.param(forged(headers={"kid": "other"}), id="unknown kid"),
        pytest.param(forged(iss="https://evil.example"), id="issuer"),
        pytest.param(forged(aud="https://evil.example"), id="audience"),
        pytest.param(forged(aud=[ORIGIN, "https://evil.example"]), id="audiences"),
        pytest.param(forged(nbf=int(NOW) + 3600), id="not yet"),
        pytest.param(forged(iat=int(NOW) + 3600, exp=int(NOW) + 3700), id="issued in the future"),
        pytest.param(forged(exp=int(NOW) + 301), id="good for too long"),
        pytest.param(forged(exp=str(int(NOW) + 100)), id="exp is text"),
        pytest.param(forged(sub=7), id="sub is a number"),
        *[
            pytest.param(forged(**{c: None}), id=f"no {c}")
            for c in ("iss", "aud", "sub", "name", "sid", "jti", "iat", "nbf", "exp")
        ],
        *[
            pytest.param(t, id=f"garbage {i}")
            for i, t in enumerate(
                ["", ".", "..", "a.b.c", "é", "\x00", "e30.e30.", "." * 4000, "W10.W10.W10"]
            )
        ],
    ],
)
def test_everything_else_is_invalid(token: str) -> None:
    with pytest.raises(TokenInvalid):
        SIGNER.verify(token, NOW)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_letter_in_any_part_is_noticed(part: int) -> None:
    parts = SIGNER.mint(USER, "s1", NOW).split(".")
    parts[part] = parts[part][:10] + ("A" if parts[part][10] != "A" else "B") + parts[part][11:]
    with pytest.raises(TokenInvalid):
        SIGNER.verify(".".join(parts), NOW)


def test_a_home_vouches_for_itself() -> None:
    token = assertion()
    assert type_of(token) == "home+jwt"
    claims = verify_home(token, HOMES, ORIGIN, NOW)
    assert (claims.sub, claims.name) == (HOME, "PC")


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(assertion(key=Ed25519PrivateKey.generate()), id="another key"),
        pytest.param(assertion(headers={"kid": "0" * 32}), id="a home not admitted"),
        pytest.param(assertion(iss="0" * 32), id="issuer"),
        pytest.param(assertion(sub="0" * 32), id="subject"),
        pytest.param(assertion(aud="https://other.example"), id="audience"),
        pytest.param(assertion(exp=int(NOW) + 61), id="good for too long"),
        pytest.param(assertion(exp=int(NOW) - 1), id="expires before it begins"),
        pytest.param(assertion(iat=int(NOW) + 300, exp=int(NOW) + 360), id="in the future"),
        pytest.param(assertion(name=""), id="no name"),
        pytest.param(assertion(name="x" * 65), id="a long name"),
        pytest.param(assertion(jti=None), id="no jti"),
        pytest.param(assertion(headers={"typ": "at+jwt"}), id="typ of the other kind"),
        pytest.param(assertion(headers={"typ": "home-login+jwt"}), id="a word for its owner"),
        pytest.param(SIGNER.mint(USER, "s1", NOW), id="an access token"),
    ],
)  # fmt: skip
def test_a_home_is_believed_nothing_else(token: str) -> None:
    with pytest.raises(TokenInvalid):
        verify_home(token, HOMES, ORIGIN, NOW)


def test_a_homes_clock_may_be_a_little_off() -> None:
    verify_home(assertion(), HOMES, ORIGIN, NOW + 60 + CLOCK_SKEW_S - 1)
    with pytest.raises(TokenExpired):
        verify_home(assertion(), HOMES, ORIGIN, NOW + 60 + CLOCK_SKEW_S)


def test_an_assertion_is_used_once() -> None:
    replays = Replays(bound=10)
    claims = verify_home(assertion(), HOMES, ORIGIN, NOW)
    replays.use(claims, NOW)
    with pytest.raises(TokenInvalid):
        replays.use(claims, NOW + 1)


def test_remembered_assertions_are_bounded_and_forgotten_when_expired() -> None:
    replays = Replays(bound=2)
    for jti in ("a", "b"):
        replays.use(verify_home(assertion(jti=jti), HOMES, ORIGIN, NOW), NOW)
    third = verify_home(assertion(jti="c"), HOMES, ORIGIN, NOW)
    with pytest.raises(RateLimited):
        replays.use(third, NOW)
    replays.use(third, NOW + 60 + CLOCK_SKEW_S)
