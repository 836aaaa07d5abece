"""The files of the signing key and of the relay's secret."""

import stat
from pathlib import Path

import pytest

from signaling.errors import DataFolderUnusable, KeyDamaged
from signaling.keys import load_or_create, load_or_create_secret, make_folder


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "signing-key.pem"
    key = load_or_create(path)
    assert load_or_create(path).private_bytes_raw() == key.private_bytes_raw()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_key_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "signing-key.pem"
    load_or_create(path)
    path.chmod(0o644)
    load_or_create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_a_crash_left_beside_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "signing-key.new").write_text("half")
    load_or_create(tmp_path / "signing-key.pem")


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_a_damaged_key_is_never_replaced_in_silence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "signing-key.pem"
    path.write_bytes(content)
    with pytest.raises(KeyDamaged, match="backup"):
        load_or_create(path)
    assert path.read_bytes() == content


def test_a_folder_that_cannot_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataFolderUnusable, match="HEARTH_DATA"):
        make_folder(tmp_path / "file" / "signaling")


def test_the_relays_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "turn" / "secret"
    secret = load_or_create_secret(path)
    assert len(secret) == 32
    assert load_or_create_secret(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 43, b"A" * 44])
def test_a_damaged_secret_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(KeyDamaged, match="Remove it"):
        load_or_create_secret(tmp_path / "secret")


def test_a_secret_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataFolderUnusable, match="HEARTH_DATA"):
        load_or_create_secret(tmp_path / "file" / "secret")
