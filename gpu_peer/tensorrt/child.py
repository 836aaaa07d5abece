"""The process that parses a graph and builds the engine; started by `build` in its environment.

It is a process of its own because the library path has to be set before it starts, and because
TensorRT ends the whole process over some graphs. It says what happens as JSON, one event a line,
on what was its standard output; what NVIDIA's libraries print goes to standard error.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

import onnxruntime
import tensorrt_rtx_bindings as trt

from gpu_peer.tensorrt.libraries import PROVIDER
from gpu_peer.tensorrt.profile import Limits, shape_ranges


class _Quiet(trt.ILogger):  # type: ignore[misc] # NVIDIA's module has no types
    """Keeps what TensorRT says of errors, in order."""

    def __init__(self) -> None:
        trt.ILogger.__init__(self)
        self.errors: list[str] = []

    def log(self, severity: Any, message: str) -> None:
        """See `ILogger`."""
        if severity <= trt.ILogger.Severity.ERROR:
            self.errors.append(message)


class _Progress(trt.IProgressMonitor):  # type: ignore[misc] # as above
    """Passes the outermost phases of the builder on."""

    def __init__(self, events: "_Events") -> None:
        trt.IProgressMonitor.__init__(self)
        self._events = events
        self._steps: dict[str, int] = {}

    def phase_start(self, phase: str, parent: str | None, steps: int) -> None:
        """See `IProgressMonitor`."""
        if not parent:
            self._steps[phase] = steps
            self._events.say("progress", stage=phase, done=0, total=steps)

    def step_complete(self, phase: str, step: int) -> bool:
        """See `IProgressMonitor`; true goes on."""
        if phase in self._steps:
            self._events.say("progress", stage=phase, done=step + 1, total=self._steps[phase])
        return True

    def phase_finish(self, phase: str) -> None:
        """See `IProgressMonitor`."""
        self._steps.pop(phase, None)


class _Events:
    def __init__(self, output: TextIO) -> None:
        self._output = output

    def say(self, event: str, **fields: object) -> None:
        self._output.write(json.dumps({"event": event, **fields}) + "\n")
        self._output.flush()


def main(arguments: list[str]) -> None:
    """Build; `arguments` are one JSON object, see `build`."""
    events = _Events(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)
    task = json.loads(arguments[0])
    capability = trt.ComputeCapability.__members__.get(f"SM{task['capability'].replace('.', '')}")
    if capability is None:
        built = [name for name in trt.ComputeCapability.__members__ if name.startswith("SM")]
        events.say("capability_unknown", known=[f"{name[2:-1]}.{name[-1]}" for name in built])
        return
    onnxruntime.register_execution_provider_library(PROVIDER, task["provider"])
    graph = Path(task["graph"])
    refused = _refused(graph)
    if refused:
        events.say("refused", nodes=refused)
        return
    _build(graph, capability, Limits(**task["limits"]), task["out"], events)


def _refused(graph: Path) -> list[dict[str, str]]:
    """Ask TensorRT which nodes it does not take, and why.

    It looks at all nodes for operators that it does not know. Where it knows them all, it goes
    through the graph and stops at the first node whose inputs or attributes it does not take.
    """
    # Named, since the bindings do not keep alive what they are given.
    logger = _Quiet()
    builder = trt.Builder(logger)
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, logger)
    if parser.supports_model_v2(graph.read_bytes(), str(graph)):
        return []
    errors = [parser.get_error(index) for index in range(parser.num_errors)]
    refused = {
        error.node_name(): {
            "name": error.node_name(),
            "operator": error.node_operator(),
            "reason": " ".join(error.desc().split()),
        }
        for error in errors
    }
    unnamed = {"name": graph.name, "operator": "the graph", "reason": _last(logger)}
    return list(refused.values()) or [unnamed]


def _build(graph: Path, capability: Any, limits: Limits, out: str | None, events: _Events) -> None:
    logger = _Quiet()
    builder = trt.Builder(logger)
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, logger)
    started = time.monotonic()
    if not parser.parse_from_file(str(graph)):
        events.say("failed", reason=_last(logger))
        return
    parse_s = time.monotonic() - started
    config = builder.create_builder_config()
    config.num_compute_capabilities = 1
    config.set_compute_capability(capability, 0)
    progress = _Progress(events)
    config.progress_monitor = progress
    profile = builder.create_optimization_profile()
    inputs = [network.get_input(index) for index in range(network.num_inputs)]
    for name, shapes in shape_ranges({port.name: port.shape for port in inputs}, limits).items():
        profile.set_shape(name, *shapes)
    config.add_optimization_profile(profile)
    started = time.monotonic()
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        events.say("failed", reason=_last(logger))
        return
    build_s = time.monotonic() - started
    if out is not None:
        try:
            _write(engine, Path(out))
        except OSError as error:
            events.say("unwritable", number=error.errno, reason=error.strerror or str(error))
            return
    events.say(
        "built",
        layers=network.num_layers,
        engine_bytes=engine.nbytes,
        parse_s=parse_s,
        build_s=build_s,
    )


def _write(engine: Any, out: Path) -> None:
    """Write beside, and take the place of what is there when it is whole."""
    partial = out.with_name(f"{out.name}.partial")
    try:
        partial.write_bytes(memoryview(engine))
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def _last(logger: _Quiet) -> str:
    return logger.errors[-1] if logger.errors else "TensorRT gives no reason"


if __name__ == "__main__":
    main(sys.argv[1:])
