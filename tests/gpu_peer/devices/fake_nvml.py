"""A library with the name of NVML's that knows one card; the real `pynvml` reads it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SOURCE = r"""
#include <string.h>
int nvmlInitWithFlags(unsigned flags) { return ANSWER; }
int nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(int code) { return "unused: pynvml has its own words"; }
int nvmlSystemGetDriverVersion(char *text, unsigned size)
{ strcpy(text, "580.95.05"); return LATER; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 1; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) { *handle = (void *)7; return 0; }
int nvmlDeviceGetName(void *card, char *text, unsigned size) { strcpy(text, "RTX 4070"); return 0; }
int nvmlDeviceGetCudaComputeCapability(void *card, int *major, int *minor)
{ *major = 8; *minor = 9; return 0; }
int nvmlDeviceGetMemoryInfo(void *card, unsigned long long *memory)
{ memory[0] = 12000; memory[1] = 9000; memory[2] = 3000; return 0; }
int nvmlDeviceGetMaxClockInfo(void *card, int kind, unsigned *mhz)
{ *mhz = 10501; return kind != 2; }
int nvmlDeviceGetMemoryBusWidth(void *card, unsigned *bits) { *bits = 192; return 0; }
"""
PROBE = "from gpu_peer.devices.probe import probe_machine; print(repr(probe_machine()))"


def make_nvml(folder: Path, *, answer: int = 0, later: int = 0) -> None:
    """Compile the library into `folder`; `answer` is that of its start."""
    library = folder / "libnvidia-ml.so.1"
    definitions = [f"-DANSWER={answer}", f"-DLATER={later}"]
    command = ["cc", "-shared", "-fPIC", *definitions, "-x", "c", "-", "-o", str(library)]
    subprocess.run(command, input=SOURCE, text=True, check=True)


def probe_with(folder: Path, *, answer: int = 0, later: int = 0) -> str:
    """Probe in a process that finds the library."""
    make_nvml(folder, answer=answer, later=later)
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "LD_LIBRARY_PATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
