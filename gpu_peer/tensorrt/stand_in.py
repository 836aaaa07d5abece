"""A stand-in for NVIDIA's driver, so that TensorRT can be loaded on a machine without one.

TensorRT for RTX builds engines without a card, but the libraries that carry the operators of
language models are linked to the driver's. What they ask of it is little: here every function of it
answers that there is no device. The functions are read from the libraries themselves, so that
another version brings its own list.
"""

import ctypes
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from gpu_peer.errors import EngineToolMissing

DRIVERS = {
    "libcuda.so.1": (re.compile(r"cu[A-Z]\w*"), 100),  # CUDA_ERROR_NO_DEVICE
    "libnvidia-ml.so.1": (re.compile(r"nvml[A-Z]\w*"), 9),  # NVML_ERROR_DRIVER_NOT_LOADED
}
"""For each library of the driver the names of its functions, and what they answer."""


def make_stand_ins(libraries: Iterable[Path], folder: Path) -> list[str]:
    """Compile into `folder` those of the driver's libraries that this machine lacks.

    Args:
        libraries: What is linked to the driver.
        folder: An existing folder.

    Returns:
        The names of what was made.

    Raises:
        EngineToolMissing: there is no C compiler, or it failed.
    """
    missing = [name for name in DRIVERS if not is_loadable(name)]
    if not missing:
        return []
    compiler, lister = shutil.which("cc"), shutil.which("nm")
    if compiler is None or lister is None:
        raise EngineToolMissing(
            "A C compiler is missing; it stands in for NVIDIA's driver. "
            "Install it: sudo apt-get install build-essential"
        )
    asked = _undefined(lister, libraries)
    for name in missing:
        pattern, answer = DRIVERS[name]
        functions = sorted(filter(pattern.fullmatch, asked))
        _compile(compiler, stand_in_source(functions, answer), folder / name)
    return missing


def stand_in_source(functions: Iterable[str], answer: int) -> str:
    """Give the C source of a library whose functions all return `answer`."""
    return "".join(f"int {name}(void) {{ return {answer}; }}\n" for name in functions)


def is_loadable(name: str) -> bool:
    """Tell whether the system has the shared library `name`."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _undefined(lister: str, libraries: Iterable[Path]) -> set[str]:
    """Give the symbols that the libraries expect of others without naming a version."""
    command = [lister, "--dynamic", "--undefined-only", *map(str, libraries)]
    # A list of arguments, and no shell.
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return {line.split()[-1] for line in done.stdout.splitlines() if line.startswith(" ")}


def _compile(compiler: str, source: str, library: Path) -> None:
    command = [compiler, "-shared", "-fPIC", f"-Wl,-soname,{library.name}", "-x", "c", "-"]
    done = subprocess.run(  # noqa: S603 - as above
        [*command, "-o", str(library)], input=source, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise EngineToolMissing(f"The C compiler failed ({last[0]}). Repair it and start again.")
