"""Links under every name that the libraries are asked for, and a process started for them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gpu_peer.tensorrt.libraries import environment_for, link_libraries

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems need no links")

NAMES = ("libtensorrt_rtx.so.1.7.1", "libcudart.so.13.4.36", "libtensorrt_plugins.so", "README.txt")


@pytest.fixture
def provider(tmp_path: Path) -> Path:
    wheel = tmp_path / "wheel"
    wheel.mkdir()
    for name in NAMES:
        (wheel / name).write_text(name)
    return wheel / "libprovider.so"


def test_each_versioned_library_has_its_plain_name_and_its_major_one(
    provider: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "links"
    folder.mkdir()
    (folder / "libtensorrt_rtx.so").symlink_to("/of/an/older/wheel")
    for _ in range(2):
        link_libraries(provider, folder)
    found = {path.name: path.read_text() for path in folder.iterdir()}
    assert found == {
        "libtensorrt_rtx.so": NAMES[0],
        "libtensorrt_rtx.so.1": NAMES[0],
        "libcudart.so": NAMES[1],
        "libcudart.so.13": NAMES[1],
    }


def test_a_process_is_started_anew_once(provider: Path, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "links"
    environment = environment_for({"LD_LIBRARY_PATH": "/opt/lib", "A": "b"}, provider, folder)
    assert environment == {"LD_LIBRARY_PATH": f"{folder}:/opt/lib", "A": "b"}
    assert (folder / "libtensorrt_rtx.so").exists()
    assert environment_for(environment, provider, folder) is None
    assert environment_for({}, provider, folder) == {"LD_LIBRARY_PATH": str(folder)}
