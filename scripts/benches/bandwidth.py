"""What a card's memory really moves in a second: copies within it, through CUDA's runtime."""

import ctypes
import sys
import time
from pathlib import Path

from gpu_peer.tensorrt.libraries import provider_library

BYTES = 1 << 30
COPIES = 20
DEVICE_TO_DEVICE = 3


def copy_bandwidth() -> float | None:
    """Give bytes read and written in a second; None where CUDA's runtime is not found."""
    runtime = _runtime()
    if runtime is None:
        return None
    buffers = [ctypes.c_void_p(), ctypes.c_void_p()]
    for buffer in buffers:
        if runtime.cudaMalloc(ctypes.byref(buffer), ctypes.c_size_t(BYTES)) != 0:
            return None
    target, source = buffers

    def copy(times: int) -> float:
        started = time.perf_counter()
        for _ in range(times):
            runtime.cudaMemcpy(target, source, ctypes.c_size_t(BYTES), DEVICE_TO_DEVICE)
        runtime.cudaDeviceSynchronize()
        return time.perf_counter() - started

    copy(2)
    took = copy(COPIES)
    for buffer in buffers:
        runtime.cudaFree(buffer)
    return 2 * BYTES * COPIES / took


def _runtime() -> ctypes.CDLL | None:
    provider = provider_library()
    places = [provider.parent] if provider else []
    places += [Path(place) / "nvidia" / "cuda_runtime" / "lib" for place in sys.path]
    places += [Path(place) / "nvidia" / "cu13" / "lib" for place in sys.path]
    for place in places:
        for library in sorted(place.glob("libcudart.so*")):
            try:
                return ctypes.CDLL(str(library))
            except OSError:
                continue
    return None
