"""What TensorRT compiled is kept for the same card, driver and provider, and deleted for others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gpu_peer.devices.cache import MADE_FOR, MadeFor, fresh_cache

NOW = MadeFor("RTX 4070", "8.9", "580.95.05", "0.5.0")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "deep" / "kernels"
    assert fresh_cache(folder, NOW) is None
    (folder / "kernel").write_bytes(b"compiled")
    return folder


def test_a_fitting_cache_is_kept(cache: Path) -> None:
    assert fresh_cache(cache, NOW) is None
    assert (cache / "kernel").exists()


def test_a_cache_for_something_else_is_deleted_with_a_sentence(cache: Path) -> None:
    sentence = fresh_cache(cache, replace(NOW, driver="590.1", card="RTX 5070"))
    assert sentence is not None
    assert "made for another card and driver" in sentence
    assert [path.name for path in cache.iterdir()] == [MADE_FOR]
    assert fresh_cache(cache, NOW) is not None, "and it is known for what it is made now"


@pytest.mark.parametrize("note", [b"", b"\xff", b"[]", b'{"card": 1}'])
def test_a_cache_of_unknown_origin_is_deleted(cache: Path, note: bytes) -> None:
    (cache / MADE_FOR).write_bytes(note)
    assert fresh_cache(cache, NOW) is not None
    assert not (cache / "kernel").exists()
