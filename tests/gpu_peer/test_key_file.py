import errno
from pathlib import Path

import pytest

from gpu_peer.key_file import read_or_make, written_whole


@pytest.fixture(params=["hard links", "no hard links"])
def path(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    if request.param == "no hard links":
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    return tmp_path / "key.pem"


def test_of_two_that_make_a_key_the_second_takes_the_first_ones(path: Path) -> None:
    def overtaken() -> bytes:
        assert read_or_make(path, lambda: b"first") == b"first"
        return b"second"

    assert read_or_make(path, overtaken) == b"first"
    assert path.read_bytes() == b"first"
    assert list(path.parent.iterdir()) == [path]


def test_what_fails_in_the_middle_leaves_nothing(path: Path) -> None:
    def half() -> None:
        with written_whole(path) as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert list(path.parent.iterdir()) == []


def test_a_file_is_replaced_only_where_that_is_asked_for(path: Path) -> None:
    for content in (b"one", b"two"):
        with written_whole(path) as file:
            file.write(content)
    with pytest.raises(FileExistsError), written_whole(path, replace=False) as file:
        file.write(b"three")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]
