"""Where the libraries of TensorRT for RTX are, and how a process comes to find them.

The wheel of NVIDIA's execution provider carries all of them, under their full versions only:
`libtensorrt_rtx.so.1.7.1`. The provider asks for `libtensorrt_rtx.so.1`, and TensorRT itself opens
`libtensorrt_rtx.so` once it has plugins to load; where that is not found, it ends the process. The
second name cannot be provided by loading the library beforehand, since it is not its SONAME. So a
process that is to use TensorRT is started with a folder of links on its library path.
"""

import importlib.util
import re
import sys
from collections.abc import Mapping
from pathlib import Path

PACKAGE = "onnxruntime_ep_nv_tensorrt_rtx"
BINDINGS = "tensorrt_rtx_bindings"
PROVIDER = "NvTensorRTRTXExecutionProvider"
SEARCH_PATH = "LD_LIBRARY_PATH"

_PROVIDER_FILES = (
    "libonnxruntime_providers_nv_tensorrt_rtx.so",
    "onnxruntime_providers_nv_tensorrt_rtx.dll",
)
_VERSIONED = re.compile(r"(lib[\w-]+\.so)\.(\d+)[\d.]*")


def provider_library() -> Path | None:
    """Find the execution provider's library, without importing its package."""
    spec = importlib.util.find_spec(PACKAGE)
    for location in (spec and spec.submodule_search_locations) or ():
        for name in _PROVIDER_FILES:
            if (library := Path(location) / name).is_file():
                return library
    return None


def link_libraries(provider: Path, folder: Path) -> None:
    """Make links in the existing `folder` to the provider's libraries, under all of their names.

    Raises:
        OSError: the folder cannot be written.
    """
    for library in provider.parent.iterdir():
        if found := _VERSIONED.fullmatch(library.name):
            plain, major = found.groups()
            for name in (plain, f"{plain}.{major}"):
                link = folder / name
                if link.is_symlink() and link.readlink() == library:
                    continue
                link.unlink(missing_ok=True)
                link.symlink_to(library)


def with_libraries(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Give an environment in which a new process searches `folder` for libraries first."""
    before = environment.get(SEARCH_PATH)
    return {**environment, SEARCH_PATH: f"{folder}:{before}" if before else str(folder)}


def environment_for(
    environment: Mapping[str, str], provider: Path, folder: Path
) -> dict[str, str] | None:
    """Give the environment that this process has to be started anew in, None where it fits.

    Raises:
        OSError: the folder of links cannot be made.
    """
    if sys.platform != "linux":  # Windows searches the folder of the library that is loaded
        return None
    if str(folder) in environment.get(SEARCH_PATH, "").split(":"):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    link_libraries(provider, folder)
    return with_libraries(environment, folder)
