"""The secret in a file that two processes may make at the same moment."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vds.relay_secret import Damaged, in_text, load

TEXT = "-_" + "A" * 41


def test_it_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "turn" / "secret"
    secret = load(path)
    assert len(secret) == 32
    assert load(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_all_who_make_it_at_once_have_the_same(tmp_path: Path) -> None:
    for number in range(20):
        path = tmp_path / str(number) / "secret"
        with ThreadPoolExecutor(8) as threads:
            assert len(set(threads.map(load, [path] * 8))) == 1


def test_its_text_is_that_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(f"{TEXT}\n")
    assert load(path) == b"\xfb\xf0" + bytes(30)
    assert in_text(load(path)) == TEXT


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 43, b"A" * 44])
def test_what_is_none_is_not_taken_for_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(Damaged):
        load(tmp_path / "secret")
    assert (tmp_path / "secret").read_bytes() == content


def test_a_folder_that_cannot_be_is_the_systems_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError):
        load(tmp_path / "file" / "secret")
