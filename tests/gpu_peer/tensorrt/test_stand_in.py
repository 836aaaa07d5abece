"""The stand-in for NVIDIA's driver."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gpu_peer.errors import EngineToolMissing
from gpu_peer.tensorrt import stand_in
from gpu_peer.tensorrt.libraries import provider_library

pytestmark = [
    pytest.mark.tensorrt,
    pytest.mark.skipif(
        any(stand_in.is_loadable(name) for name in stand_in.DRIVERS), reason="there is a driver"
    ),
]


@pytest.fixture
def libraries() -> list[Path]:
    provider = provider_library()
    assert provider is not None
    return sorted(provider.parent.glob("*.so*"))


def test_every_function_says_that_there_is_no_device(libraries: list[Path], tmp_path: Path) -> None:
    assert stand_in.make_stand_ins(libraries, tmp_path) == ["libcuda.so.1", "libnvidia-ml.so.1"]
    assert called(tmp_path / "libcuda.so.1", "cuInit(0)") == "100"
    assert called(tmp_path / "libnvidia-ml.so.1", "nvmlInit_v2()") == "9"


def test_it_has_the_functions_that_the_libraries_want_and_no_others(
    libraries: list[Path], tmp_path: Path
) -> None:
    stand_in.make_stand_ins(libraries, tmp_path)
    assert called(tmp_path / "libcuda.so.1", "cuModuleLoadData()") == "100"
    runtime = called(tmp_path / "libcuda.so.1", "cudaMalloc()")
    assert runtime == "", "that is of CUDA's runtime, which the wheel brings"


def called(library: Path, call: str) -> str:
    """Call in a process of its own: in this one the library would seem to be the system's."""
    code = f"import ctypes; print(ctypes.CDLL({str(library)!r}).{call})"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def test_what_the_system_has_is_not_stood_in_for(
    libraries: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pattern = stand_in.DRIVERS["libcuda.so.1"]
    monkeypatch.setattr(stand_in, "DRIVERS", {"libc.so.6": pattern, "libcuda.so.1": pattern})
    assert stand_in.make_stand_ins(libraries, tmp_path) == ["libcuda.so.1"]


def test_without_a_compiler_there_is_a_command_to_get_one(
    libraries: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineToolMissing, match="apt-get install build-essential"):
        stand_in.make_stand_ins(libraries, tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="a shell script in the compiler's place")
def test_a_broken_compiler_is_told_with_its_last_words(
    libraries: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in (("cc", "echo no room >&2; exit 1"), ("nm", "true")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineToolMissing, match=r"The C compiler failed \(no room\)"):
        stand_in.make_stand_ins(libraries, tmp_path)
