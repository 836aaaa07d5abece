import base64
import hashlib
import stat
import sys
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gpu_peer.errors import KeyUnreadable
from gpu_peer.identity import load_identity


def test_it_is_made_once(tmp_path: Path) -> None:
    first = load_identity(tmp_path / "folder")
    assert load_identity(tmp_path / "folder").public_key == first.public_key
    raw = base64.urlsafe_b64decode(first.public_key + "=")
    assert len(raw) == 32
    assert first.home_id == hashlib.sha256(raw).hexdigest()[:32]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    load_identity(tmp_path)
    assert stat.S_IMODE((tmp_path / "identity.pem").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["identity.pem"]


def test_the_assertion_is_what_the_server_checks(tmp_path: Path) -> None:
    identity = load_identity(tmp_path)
    tokens = {identity.assertion("https://vds", "desk", 1000.9) for _ in range(2)}
    assert len(tokens) == 2, "each is used once"
    token = tokens.pop()
    key = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(identity.public_key + "="))
    claims = jwt.decode(
        token, key, algorithms=["EdDSA"], audience="https://vds", options={"verify_exp": False}
    )
    assert claims.pop("jti")
    assert claims == {
        "iss": identity.home_id,
        "sub": identity.home_id,
        "aud": "https://vds",
        "iat": 1000,
        "exp": 1060,
        "name": "desk",
    }
    header = {"alg": "EdDSA", "typ": "home+jwt", "kid": identity.home_id}
    assert jwt.get_unverified_header(token) == header


def test_the_word_for_a_browser_on_the_pc_is_of_another_kind(tmp_path: Path) -> None:
    identity = load_identity(tmp_path)
    token = identity.log_in_assertion("http://localhost:8080", "Anna", 1000.9)
    key = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(identity.public_key + "="))
    claims = jwt.decode(
        token,
        key,
        algorithms=["EdDSA"],
        audience="http://localhost:8080",
        options={"verify_exp": False},
    )
    assert (claims["sub"], claims["name"], claims["exp"]) == (identity.home_id, "Anna", 1060)
    assert jwt.get_unverified_header(token)["typ"] == "home-login+jwt"


@pytest.mark.parametrize("damaged", [b"", b"nonsense"])
def test_a_damaged_key_is_a_sentence_and_is_kept(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "identity.pem").write_bytes(damaged)
    with pytest.raises(KeyUnreadable, match=r"identity\.pem is damaged"):
        load_identity(tmp_path)
    assert (tmp_path / "identity.pem").read_bytes() == damaged


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyUnreadable, match="cannot be read or written"):
        load_identity(tmp_path / "file")
