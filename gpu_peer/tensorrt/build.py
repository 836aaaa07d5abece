"""Builds a model folder into a TensorRT engine ahead of time; needs neither card nor driver.

What it proves is that TensorRT takes every node of the graph for a given compute capability. The
home does not load such an engine: on the card, ONNX Runtime's provider makes its own of the graph.
"""

import errno
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import onnx

from gpu_peer.errors import (
    CapabilityUnknown,
    EngineBuildFailed,
    EngineToolMissing,
    GraphRefused,
    RefusedNode,
)
from gpu_peer.models.folder import read_manifest
from gpu_peer.progress import Progress
from gpu_peer.tensorrt.libraries import BINDINGS, link_libraries, provider_library, with_libraries
from gpu_peer.tensorrt.profile import Limits
from gpu_peer.tensorrt.stand_in import make_stand_ins

GRAPH_FILE = "model.onnx"
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class BuildReport:
    """What was built.

    Attributes:
        capability: Compute capability, such as `8.9`.
        nodes: Nodes of the ONNX graph; TensorRT took all of them.
        layers: Layers of TensorRT's network.
        engine_bytes: Size of the serialized engine.
        parse_s: Seconds to parse the graph.
        build_s: Seconds to build the engine.
        stand_ins: The driver's libraries that were stood in for.
    """

    capability: str
    nodes: int
    layers: int
    engine_bytes: int
    parse_s: float
    build_s: float
    stand_ins: tuple[str, ...]

    def as_text(self) -> str:
        """Give it as a line for a person."""
        driver = " without NVIDIA's driver" if self.stand_ins else ""
        return (
            f"Built for {self.capability}{driver}: {self.nodes} nodes became {self.layers} layers "
            f"and {self.engine_bytes / 1e6:.0f} MB; parsed in {self.parse_s:.1f} s, "
            f"built in {self.build_s:.1f} s.\n"
        )


def build_engine(
    folder: Path,
    capability: str,
    *,
    out: Path | None = None,
    limits: Limits | None = None,
    progress: Progress = lambda _stage, _done, _total: None,
) -> BuildReport:
    """Build the graph of a model folder.

    Args:
        folder: A model folder of float16 activations.
        capability: Compute capability to build for, such as `8.9`.
        out: Where to keep the engine; nowhere by default.
        limits: Shapes to plan for; those of the model, up to 4096 positions, by default.
        progress: Told the builder's phases.

    Raises:
        EngineToolMissing: a package or the C compiler is not installed.
        CapabilityUnknown: TensorRT does not build for such cards.
        GraphRefused: nodes of the graph are not taken; each is named with the reason.
        EngineBuildFailed: another reason, which the sentence gives.
        ModelError: the folder is damaged.
    """
    provider = require_packages()
    manifest = read_manifest(folder)
    if manifest["kv_dtype"] != "f16":
        raise EngineBuildFailed(
            f"The model folder {folder} computes in float32, which is for the CPU. "
            "Convert the model again with --dtype f16."
        )
    graph = (folder / GRAPH_FILE).absolute()
    context = min(int(manifest["context_length"]), Limits.context)
    with tempfile.TemporaryDirectory(prefix="hearth-tensorrt-") as scratch:
        libraries = Path(scratch)
        try:
            link_libraries(provider, libraries)
            stand_ins = make_stand_ins(sorted(provider.parent.glob("*.so*")), libraries)
        except OSError as error:
            raise _system_failure(error.errno, error.strerror or str(error), libraries) from error
        task = {
            "graph": str(graph),
            "capability": capability,
            "provider": str(provider),
            "limits": asdict(limits or Limits(context=context)),
            "out": None if out is None else str(out.absolute()),
        }
        built = _run(task, libraries, out or libraries, progress)
    nodes = len(onnx.load(graph, load_external_data=False).graph.node)
    return BuildReport(capability, nodes=nodes, stand_ins=tuple(stand_ins), **built)


def require_packages() -> Path:
    """Give the provider's library.

    Raises:
        EngineToolMissing: it or the bindings are not installed, or not for this system.
    """
    if sys.platform != "linux":
        raise EngineToolMissing(
            "Engines are built ahead of time on Linux only. Use a Linux machine."
        )
    provider = provider_library()
    if provider is None or importlib.util.find_spec(BINDINGS) is None:
        raise EngineToolMissing(
            "TensorRT for RTX is not installed. Install it: pip install 'hearth[tensorrt]'"
        )
    return provider


def _run(
    task: Mapping[str, object], libraries: Path, out: Path, progress: Progress
) -> dict[str, Any]:
    """Start the child and follow its events to the last; gives the fields of `built`."""
    command = [sys.executable, "-m", "gpu_peer.tensorrt.child", json.dumps(task)]
    environment = with_libraries(os.environ, libraries)
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    with (
        (libraries / "log").open("w+", encoding="utf-8", errors="replace") as log,
        subprocess.Popen(  # noqa: S603 (our own module)
            command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        ) as child,
    ):
        try:
            for line in child.stdout or ():
                event = json.loads(line)
                kind = event.pop("event")
                if kind == "progress":
                    progress(event["stage"], event["done"], event["total"])
                    continue
                if kind == "built":
                    return dict(event)
                raise _failure(kind, event, str(task["capability"]), out)
        except BaseException:
            child.kill()
            raise
        child.wait()
        log.seek(0)
        raise EngineBuildFailed(
            f"TensorRT ended while it read the graph: {_last_words(log.read())}. "
            "This model cannot run on it; HEARTH_DEVICE=cuda or cpu can be tried."
        )


def _failure(kind: str, event: Mapping[str, Any], capability: str, out: Path) -> EngineBuildFailed:
    if kind == "capability_unknown":
        return CapabilityUnknown(capability, event["known"])
    if kind == "refused":
        return GraphRefused([RefusedNode(**node) for node in event["nodes"]])
    if kind == "unwritable":
        return _system_failure(event["number"], event["reason"], out)
    return EngineBuildFailed(f"TensorRT could not build the engine: {event['reason']}")


def _system_failure(number: int | None, reason: str, place: Path) -> EngineBuildFailed:
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return EngineBuildFailed(f"The disk with {place} is full. Free some space and start again.")
    return EngineBuildFailed(f"{place} could not be written: {reason}.")


def _last_words(log: str) -> str:
    """Give the last line that is not one of the plugins' complaints that there is no card."""
    lines = [line.strip() for line in log.splitlines() if line.strip() and "cuInit" not in line]
    return lines[-1].rstrip(".") if lines else "it said nothing"
