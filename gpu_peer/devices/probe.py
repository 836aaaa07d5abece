"""Looks for NVIDIA's driver, its cards, and the packages installed for them.

Through NVML, which the driver brings: `nvidia-ml-py` is 60 kB of Python, follows the driver's
releases and answers where CUDA itself would not start. `cuda-bindings` is 8 MB of compiled code and
creates a context on the card to say how much memory is free.
"""

import importlib
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from gpu_peer.devices.machine import Card, Machine, Packages, packages_from

NVML = "pynvml"

_PACKAGES = (
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-ep-nv-tensorrt-rtx-cu12",
    "onnxruntime-ep-nv-tensorrt-rtx-cu13",
)


def probe_machine() -> Machine:
    """Look for cards; a machine without any is a normal answer. Never raises."""
    try:
        nvml = importlib.import_module(NVML)
    except ImportError:
        return Machine(
            unknown="Whether there is an NVIDIA card is not known. "
            "To look, install: pip install nvidia-ml-py"
        )
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        return Machine(unknown=_why_not(nvml, error))
    try:
        driver = nvml.nvmlSystemGetDriverVersion()
        count = nvml.nvmlDeviceGetCount()
        return Machine(driver, tuple(_card(nvml, index) for index in range(count)))
    except nvml.NVMLError as error:
        return Machine(unknown=f"NVIDIA's driver does not answer: {error}. Restart the PC.")
    finally:
        with suppress(nvml.NVMLError):
            nvml.nvmlShutdown()


def probe_packages() -> Packages:
    """Read the versions of installed packages, without importing them."""
    versions = {}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return packages_from(versions)


def _why_not(nvml: Any, error: Any) -> str | None:
    """Say why the driver cannot be asked; None where there simply is none."""
    if error.value in (nvml.NVML_ERROR_LIBRARY_NOT_FOUND, nvml.NVML_ERROR_DRIVER_NOT_LOADED):
        return None
    return f"NVIDIA's driver does not answer: {error}. Restart the PC, or install the driver anew."


def _card(nvml: Any, index: int) -> Card:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    return Card(
        name=nvml.nvmlDeviceGetName(handle),
        capability=tuple(nvml.nvmlDeviceGetCudaComputeCapability(handle)),
        memory_bytes=memory.total,
        free_bytes=memory.free,
        bandwidth_bytes_s=_bandwidth(nvml, handle),
    )


def _bandwidth(nvml: Any, handle: Any) -> float | None:
    """Clock times width of the bus; memory of all these cards moves data on both edges."""
    with suppress(nvml.NVMLError):
        clock_mhz = nvml.nvmlDeviceGetMaxClockInfo(handle, nvml.NVML_CLOCK_MEM)
        bits = nvml.nvmlDeviceGetMemoryBusWidth(handle)
        return float(clock_mhz) * 1e6 * 2 * float(bits) / 8
    return None
