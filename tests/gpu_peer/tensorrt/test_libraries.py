"""Links under every name that the libraries are asked for, and a process started for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpu_peer.tensorrt.libraries import environment_for, link_libraries
from tests.gpu_peer.devices.fake_nvml import make_nvml

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


START = """
import os, sys
from gpu_peer.config import Config
from gpu_peer.loading import start_anew_for_tensorrt
start_anew_for_tensorrt(Config(data=sys.argv[1], device=sys.argv[2]))
print(os.environ["LD_LIBRARY_PATH"])
"""


@pytest.mark.tensorrt
@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_the_home_starts_anew_where_tensorrt_will_be_tried(tmp_path: Path, device: str) -> None:
    """A real process, with NVML's stand-in that knows an RTX 4070."""
    driver = tmp_path / "driver"
    driver.mkdir()
    make_nvml(driver)
    done = subprocess.run(
        [sys.executable, "-c", START, str(tmp_path), device],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "LD_LIBRARY_PATH": str(driver)},
        capture_output=True,
        text=True,
        check=True,
    )
    links = tmp_path / "tensorrt" / "libraries"
    if device == "auto":
        assert done.stdout == f"{links}:{driver}\n"
        assert (links / "libtensorrt_rtx.so").resolve().stat().st_size > 100_000_000
    else:
        assert done.stdout == f"{driver}\n"
        assert not links.exists()
